// A job queue. A worker that finds it empty sleeps until there is a job.
// Wrong: a job that is handed to a waiting worker is copied.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

class JobQueue {
 public:
  void submit(Job job) {
    const std::lock_guard lock(mutex_);
    if (waiters_.empty()) return jobs_.push_back(std::move(job));
    // There is a waiter only if the queue is empty: it gets this job.
    Waiter& waiter = *waiters_.front();
    waiters_.pop_front();
    waiter.job = job;
    waiter.ready.notify_one();  // under the lock: the waiter still exists
  }

  // Returns the oldest job. Blocks until there is one.
  Job take() {
    std::unique_lock lock(mutex_);
    if (!jobs_.empty()) return take_front();
    Waiter self;
    waiters_.push_back(&self);
    self.ready.wait(lock, [&] { return self.job.has_value(); });
    return std::move(*self.job);
  }

 private:
  struct Waiter {
    lab::condition_variable ready{"ready"};
    std::optional<Job> job{};  // guarded by mutex_
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
