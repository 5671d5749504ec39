// What the tests of the wait group share.
#pragma once

#include <cstddef>
#include <string>

#include "step2_worker/wait_group.h"
#include "testing/watchdog.h"

namespace worker_pool {

// Blocks until exactly `count` threads are blocked in a wait for the group.
inline void await_parked(const Watchdog& watchdog, const WaitGroup& group, std::size_t count) {
  watchdog.await(std::to_string(count) + " threads to wait for the group",
                 [&] { return group.stats().waiting == count; });
}

}  // namespace worker_pool
