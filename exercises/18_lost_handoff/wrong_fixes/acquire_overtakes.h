// Permits for something of which there are few, such as connections to a database. The thread that
// has waited longest gets the next permit.
#pragma once

#include <algorithm>
#include <cstddef>
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
    if (free_ > 0) {
      --free_;
      return;
    }
    Waiter self;
    waiters_.push_back(&self);
    self.changed.wait(lock, [&] { return is_next(self); });
    leave(self, true);
  }

  // The same, for at most `timeout`. Returns whether the caller has a permit.
  [[nodiscard]] bool acquire_for(lab::steady_clock::duration timeout) {
    const auto deadline = lab::steady_clock::now() + timeout;
    std::unique_lock lock(mutex_);
    if (free_ > static_cast<int>(waiters_.size())) {
      --free_;
      return true;
    }
    Waiter self;
    waiters_.push_back(&self);
    const bool has_permit = self.changed.wait_until(lock, deadline, [&] { return is_next(self); });
    leave(self, has_permit);
    return has_permit;
  }

  // Gives a permit back: to the thread that has waited longest, if one waits. Does not block, and
  // may be called by any thread.
  void release() {
    const std::lock_guard lock(mutex_);
    ++free_;
    wake();
  }

 private:
  struct Waiter {
    lab::condition_variable changed{"permit"};
  };

  // A free permit stays free until a thread that waits takes it: one of the first `free_`.
  bool is_next(Waiter& self) const {
    return std::ranges::find(waiters_, &self) - waiters_.begin() < free_;
  }

  void leave(Waiter& self, bool has_permit) {
    std::erase(waiters_, &self);
    if (has_permit) {
      --free_;
    } else {
      wake();  // the others have moved up
    }
  }

  void wake() {
    const auto free = static_cast<std::size_t>(free_);
    if (0 < free && free <= waiters_.size()) waiters_[free - 1]->changed.notify_one();
  }

  lab::mutex mutex_;
  int free_;                     // guarded by mutex_
  std::deque<Waiter*> waiters_;  // guarded by mutex_; the oldest first
};

}  // namespace worker_pool
