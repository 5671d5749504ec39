// Limits how many jobs of one kind run at the same time, such as those that use a database.
#pragma once

#include <deque>
#include <functional>
#include <mutex>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

// Every running job holds a permit. The limit owns no threads: workers call run().
class JobLimit {
 public:
  // Jobs need `permits` >= 1.
  explicit JobLimit(int permits) : permits_(permits) {}

  // Blocks until a permit is free, and runs `job` on this thread. The caller gets what the job
  // throws. Returns false, without running the job, after shutdown() has been called.
  bool run(const Job& job) {
    {
      std::unique_lock lock(mutex_);
      if (closed_) return false;
      if (running_ < permits_) {
        ++running_;
      } else {
        Waiter self;
        waiters_.push_back(&self);
        self.changed.wait(lock, [&] { return closed_ || self.has_permit; });
        if (closed_) return false;
      }
    }
    const Permit permit(*this);
    job();
    return true;
  }

  // No job starts from now on. Blocks until no job is running. No job may call this.
  void shutdown() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    for (Waiter* waiter : waiters_) waiter->changed.notify_one();
    waiters_.clear();
    idle_.wait(lock, [this] { return running_ == 0; });
  }

 private:
  struct Waiter {
    lab::condition_variable changed{"permit"};
    bool has_permit = false;
  };

  // Gives a permit back when it is destroyed, however the job ends: to the run() that has waited
  // longest, if one waits.
  class Permit {
   public:
    explicit Permit(JobLimit& limit) : limit_(limit) {}
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;
    ~Permit() {
      const std::lock_guard lock(limit_.mutex_);
      if (!limit_.waiters_.empty()) {
        Waiter& next = *limit_.waiters_.front();
        limit_.waiters_.pop_front();
        next.has_permit = true;
        next.changed.notify_one();
        return;
      }
      --limit_.running_;
      if (limit_.running_ == 0) limit_.idle_.notify_all();
    }

   private:
    JobLimit& limit_;
  };

  const int permits_;
  lab::mutex mutex_;
  lab::condition_variable idle_{"idle"};
  std::deque<Waiter*> waiters_;  // guarded by mutex_; the oldest first
  int running_ = 0;              // guarded by mutex_
  bool closed_ = false;          // guarded by mutex_
};

}  // namespace worker_pool
