// A worker that runs jobs from its queue until it is asked to stop.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

class Worker {
 public:
  void submit(Job job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    work_ready_.notify_one();
  }

  // Asks run() to return once no job is left.
  void stop() {
    std::unique_lock lock(mutex_);
    stop_ = true;
    while (is_asleep_) {  // so that the request is not lost
      work_ready_.notify_all();
      awake_.wait(lock);
    }
  }

  // The worker's thread runs this function.
  void run() {
    while (const std::optional<Job> job = next()) (*job)();
  }

 private:
  // Blocks until there is a job. Returns nullopt after stop(), when no job is left.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    while (!stop_ && jobs_.empty()) {
      is_asleep_ = true;
      work_ready_.wait(lock);
      is_asleep_ = false;
      awake_.notify_all();
    }
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;  // guarded by mutex_
  lab::atomic<bool> stop_{false, "stop"};
  lab::condition_variable awake_{"awake"};
  bool is_asleep_ = false;  // guarded by mutex_
};

}  // namespace worker_pool
