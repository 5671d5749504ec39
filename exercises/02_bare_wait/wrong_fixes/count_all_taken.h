// A job queue. A worker that finds it empty sleeps until there is a job.
#pragma once

#include <cstddef>
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
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    work_ready_.notify_one();
  }

  // Returns the oldest job. Blocks until there is one.
  Job take() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return !jobs_.empty(); });
    return take_front();
  }

 private:
  // Requires that the caller holds the lock and that there is a job.
  Job take_front() {
    lab::check(!jobs_.empty(),
               "take() takes from an empty queue: outside the lab, this is undefined behavior");
    Job job = std::move(jobs_.at(0));
    jobs_.pop_front();
    ++taken_;
    return job;
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;                 // guarded by mutex_
  static inline std::size_t taken_ = 0;  // of all queues, for metrics; guarded by mutex_
};

}  // namespace worker_pool
