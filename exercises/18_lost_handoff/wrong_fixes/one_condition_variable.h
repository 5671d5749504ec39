// Permits for something of which there are few, such as connections to a database. The thread that
// has waited longest gets the next permit.
#pragma once

#include <deque>
#include <mutex>

#include "testing/lab/lab.h"

namespace worker_pool {

class Permits {
 public:
  explicit Permits(int count) : free_(count) {}

  // Blocks until the caller has a permit.
  void acquire() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return take_free(); });
  }

  // The same, for at most `timeout`. Returns whether the caller has a permit.
  [[nodiscard]] bool acquire_for(lab::steady_clock::duration timeout) {
    const auto deadline = lab::steady_clock::now() + timeout;
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline, [&] { return take_free(); });
  }

  // Gives a permit back: to the thread that has waited longest, if one waits. Does not block, and
  // may be called by any thread.
  void release() {
    const std::lock_guard lock(mutex_);
    ++free_;
    changed_.notify_all();
  }

 private:
  bool take_free() {
    if (free_ == 0) return false;
    --free_;
    return true;
  }

  lab::mutex mutex_;
  int free_;  // guarded by mutex_; 0 while a thread waits
  lab::condition_variable changed_{"permit"};
};

}  // namespace worker_pool
