// ScopedCount: counts a thread in while it waits.
//
//   ++blocked; changed.wait(lock); --blocked;                     // wrong: the wait may not return
//   { const ScopedCount counted(blocked); changed.wait(lock); }
//
// Besides an exception, pthread_cancel() leaves a wait without returning from it: on Linux with
// libstdc++, it unwinds the stack, and runs destructors only. The wait has locked the mutex again
// by then, so a destructor may change what the mutex guards. (WP-45)
#pragma once

#include <cstddef>

namespace worker_pool {

// Declare it after the lock that guards `count`, so that it is destroyed under the lock.
class ScopedCount {
 public:
  explicit ScopedCount(std::size_t& count) : count_(count) { ++count_; }
  ~ScopedCount() { --count_; }
  ScopedCount(const ScopedCount&) = delete;
  ScopedCount& operator=(const ScopedCount&) = delete;

 private:
  std::size_t& count_;
};

}  // namespace worker_pool
