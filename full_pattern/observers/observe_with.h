// Several observers for one pool.
//
//   WorkerPool pool({.workers = 3}, handler, observe_with({lines, errors, metrics}));
#pragma once

#include <memory>
#include <vector>

#include "step2_worker/worker.h"

namespace worker_pool {

// One observer that tells each of `observers` what it hears: in their order, on the worker's
// thread. One that throws does not keep those behind it from hearing. Nulls are left out; when
// nobody is left the result is null, which a pool takes for "unobserved".
//
// Shares the ownership of all of them, and takes as long as all of them together.
std::shared_ptr<Observer> observe_with(std::vector<std::shared_ptr<Observer>> observers);

}  // namespace worker_pool
