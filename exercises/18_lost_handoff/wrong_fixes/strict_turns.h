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
    self.changed.wait(lock, [&] { return is_next(self); });
    leave(self, true);
  }

  // The same, for at most `timeout`. Returns whether the caller has a permit.
  [[nodiscard]] bool acquire_for(lab::steady_clock::duration timeout) {
    const auto deadline = lab::steady_clock::now() + timeout;
    std::unique_lock lock(mutex_);
    if (take_free()) return true;
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
    wake_next();
  }

 private:
  struct Waiter {
    lab::condition_variable changed{"permit"};
  };

  bool take_free() {
    if (free_ <= static_cast<int>(waiters_.size())) return false;  // those that wait come first
    --free_;
    return true;
  }

  // No permit is handed over, so none can be lost: the oldest waiter takes a free one.
  bool is_next(const Waiter& self) const { return free_ > 0 && waiters_.front() == &self; }

  void leave(Waiter& self, bool has_permit) {
    if (has_permit) --free_;
    std::erase(waiters_, &self);
    wake_next();  // whether this one took a permit or gave up
  }

  void wake_next() {
    if (free_ > 0 && !waiters_.empty()) waiters_.front()->changed.notify_one();
  }

  lab::mutex mutex_;
  int free_;                     // guarded by mutex_
  std::deque<Waiter*> waiters_;  // guarded by mutex_; the oldest first
};

}  // namespace worker_pool
