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
    Waiter self(false);
    waiters_.push_back(&self);
    self.changed.wait(lock, [&] { return self.has_permit; });
  }

  // The same, for at most `timeout`. Returns whether the caller has a permit.
  [[nodiscard]] bool acquire_for(lab::steady_clock::duration timeout) {
    const auto deadline = lab::steady_clock::now() + timeout;
    std::unique_lock lock(mutex_);
    if (waiters_.empty() && take_free()) return true;
    Waiter self(true);
    waiters_.push_back(&self);
    const bool has_permit = self.changed.wait_until(
        lock, deadline, [&] { return free_ > 0 && waiters_.front() == &self; });
    std::erase(waiters_, &self);
    if (has_permit) --free_;
    pass_on();
    return has_permit;
  }

  // Gives a permit back: to the thread that has waited longest, if one waits. Does not block, and
  // may be called by any thread.
  void release() {
    const std::lock_guard lock(mutex_);
    ++free_;
    pass_on();
  }

 private:
  struct Waiter {
    explicit Waiter(bool limited) : may_give_up(limited) {}

    lab::condition_variable changed{"permit"};
    const bool may_give_up;
    bool has_permit = false;
  };

  // A thread that may give up is not handed a permit, so none is lost: it takes a free one.
  void pass_on() {
    while (free_ > 0 && !waiters_.empty()) {
      Waiter& next = *waiters_.front();
      if (next.may_give_up) {
        next.changed.notify_one();
        return;
      }
      --free_;
      waiters_.pop_front();
      next.has_permit = true;
      next.changed.notify_one();
    }
  }

  bool take_free() {
    if (free_ == 0) return false;
    --free_;
    return true;
  }

  lab::mutex mutex_;
  int free_;                     // guarded by mutex_
  std::deque<Waiter*> waiters_;  // guarded by mutex_; the oldest first
};

}  // namespace worker_pool
