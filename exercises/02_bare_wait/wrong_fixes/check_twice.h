// A queue of jobs that its workers sleep on.
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
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    work_ready_.notify_one();
  }

  // The oldest job. Blocks until there is one.
  Job take() {
    std::unique_lock lock(mutex_);
    if (jobs_.empty()) work_ready_.wait(lock);
    if (jobs_.empty()) work_ready_.wait(lock);
    return take_front();
  }

 private:
  // Needs the lock, and a job.
  Job take_front() {
    lab::check(!jobs_.empty(),
               "take() takes from an empty queue: undefined behaviour outside the lab");
    Job job = std::move(jobs_.at(0));
    jobs_.pop_front();
    return job;
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;  // guarded by mutex_
};

}  // namespace worker_pool
