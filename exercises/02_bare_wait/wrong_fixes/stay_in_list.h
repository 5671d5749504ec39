// A job queue. A worker that finds it empty sleeps until there is a job.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

class JobQueue {
 public:
  void submit(Job job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    if (waiters_.empty()) return;
    Waiter& waiter = *waiters_.front();
    waiters_.pop_front();
    waiter.is_listed = false;
    waiter.ready.notify_one();  // under the lock: the waiter still exists
  }

  // Returns the oldest job. Blocks until there is one.
  Job take() {
    std::unique_lock lock(mutex_);
    Waiter self;
    while (jobs_.empty()) {
      // After a spurious wake-up, it is in the list already.
      if (!self.is_listed) waiters_.push_back(&self);
      self.is_listed = true;
      self.ready.wait(lock);
    }
    return take_front();
  }

 private:
  struct Waiter {
    lab::condition_variable ready{"ready"};
    bool is_listed = false;  // guarded by mutex_
  };

  // Requires that the caller holds the lock and that there is a job.
  Job take_front() {
    lab::check(!jobs_.empty(),
               "take() takes from an empty queue: outside the lab, this is undefined behavior");
    Job job = std::move(jobs_.at(0));
    jobs_.pop_front();
    return job;
  }

  lab::mutex mutex_;
  std::deque<Job> jobs_;         // guarded by mutex_
  std::deque<Waiter*> waiters_;  // the longest waiting first; guarded by mutex_
};

}  // namespace worker_pool
