// A worker that runs jobs from its queue until it is asked to stop.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
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
    work_ready_.notify_all();
    // Waits for a job that is running, unless the job itself stops the worker.
    if (std::this_thread::get_id() == worker_) return;
    job_done_.wait(lock, [this] { return !is_running_; });
  }

  // The worker's thread runs this function.
  void run() {
    {
      const std::lock_guard lock(mutex_);
      worker_ = std::this_thread::get_id();
    }
    while (std::optional<Job> job = next()) {
      (*job)();
      job.reset();
      const std::lock_guard lock(mutex_);
      is_running_ = false;
      job_done_.notify_all();
    }
  }

 private:
  // Blocks until there is a job. Returns nullopt after stop(), when no job is left.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    is_running_ = true;
    return job;
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;  // guarded by mutex_
  lab::atomic<bool> stop_{false, "stop"};
  lab::condition_variable job_done_{"job_done"};
  bool is_running_ = false;   // guarded by mutex_
  std::thread::id worker_{};  // guarded by mutex_
};

}  // namespace worker_pool
