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
    if (take_free()) return;
    Waiter self;
    waiters_.push_back(&self);
    self.changed.wait(lock, [&] { return self.has_permit; });
  }

  // The same, for at most `timeout`. Returns whether the caller has a permit.
  [[nodiscard]] bool acquire_for(lab::steady_clock::duration timeout) {
    const auto deadline = lab::steady_clock::now() + timeout;
    std::unique_lock lock(mutex_);
    if (take_free()) return true;
    Waiter self;
    const auto position = waiters_.insert(waiters_.end(), &self);  // no search when it gives up
    self.changed.wait_until(lock, deadline, [&] { return self.has_permit; });
    if (!self.has_permit) waiters_.erase(position);
    return self.has_permit;
  }

  // Gives a permit back: to the thread that has waited longest, if one waits. Does not block, and
  // may be called by any thread.
  void release() {
    const std::lock_guard lock(mutex_);
    if (waiters_.empty()) {
      ++free_;
      return;
    }
    Waiter& next = *waiters_.front();
    waiters_.pop_front();
    next.has_permit = true;
    next.changed.notify_one();  // under the lock: after it, `next` may be destroyed
  }

 private:
  struct Waiter {
    lab::condition_variable changed{"permit"};
    bool has_permit = false;
  };

  bool take_free() {
    if (free_ == 0) return false;
    --free_;
    return true;
  }

  lab::mutex mutex_;
  int free_;                     // guarded by mutex_; 0 while a thread waits
  std::deque<Waiter*> waiters_;  // guarded by mutex_; the oldest first
};

}  // namespace worker_pool
