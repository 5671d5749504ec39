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
    if (take_free()) return true;
    Waiter self(true);
    waiters_.push_back(&self);
    bool in_time = true;
    while (in_time && self.offer == nullptr) {
      in_time = self.changed.wait_until(lock, deadline) == lab::cv_status::no_timeout;
    }
    if (self.offer == nullptr) {
      std::erase(waiters_, &self);
      return false;
    }
    self.offer->taken = in_time;
    self.offer->done = true;
    self.offer->answered.notify_one();
    return in_time;
  }

  // Gives a permit back: to the thread that has waited longest, if one waits. Does not block, and
  // may be called by any thread.
  void release() {
    std::unique_lock lock(mutex_);
    while (!waiters_.empty()) {
      Waiter& next = *waiters_.front();
      waiters_.pop_front();
      if (!next.may_give_up) {
        next.has_permit = true;
        next.changed.notify_one();
        return;
      }
      Offer offer;  // the thread may be giving up
      next.offer = &offer;
      next.changed.notify_one();
      offer.answered.wait(lock, [&] { return offer.done; });
      if (offer.taken) return;
    }
    ++free_;
  }

 private:
  struct Offer {
    lab::condition_variable answered{"answer"};
    bool done = false;
    bool taken = false;
  };

  struct Waiter {
    explicit Waiter(bool limited) : may_give_up(limited) {}

    lab::condition_variable changed{"permit"};
    const bool may_give_up;
    bool has_permit = false;  // if it may not give up
    Offer* offer = nullptr;   // if it may
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
