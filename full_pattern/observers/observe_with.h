// observe_with(): several observers for one pool.
//
//   WorkerPool pool({.workers = 3}, handler, observe_with({lines, errors, metrics}));
#pragma once

#include <memory>
#include <vector>

#include "step2_worker/observer.h"

namespace worker_pool {

// Returns an observer that passes each event to all `observers`, in their order, on the worker's
// thread. If one of them throws, the ones after it are still called. Null pointers are left out. If
// no observer remains, the result is null, which a pool treats as "unobserved".
//
// The result shares ownership of the observers. Each of its calls takes as long as all of theirs
// together. It is as thread-safe as they are.
std::shared_ptr<Observer> observe_with(std::vector<std::shared_ptr<Observer>> observers);

}  // namespace worker_pool
