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
    if (t_worker == this) {  // from a job: no lock, and the worker is awake
      own_jobs_.push_back(std::move(job));
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    work_ready_.notify_one();
  }

  // Asks run() to return once no job is left.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    work_ready_.notify_all();
  }

  // The worker's thread runs this function.
  void run() {
    t_worker = this;
    while (const std::optional<Job> job = next()) (*job)();
    t_worker = nullptr;
  }

 private:
  // Blocks until there is a job. Returns nullopt after stop(), when no job is left.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return stop_ || !jobs_.empty() || !own_jobs_.empty(); });
    if (!jobs_.empty()) return take(jobs_);
    if (!own_jobs_.empty()) return take(own_jobs_);
    return std::nullopt;
  }

  static std::optional<Job> take(std::deque<Job>& jobs) {
    Job job = std::move(jobs.front());
    jobs.pop_front();
    return job;
  }

  static inline thread_local const Worker* t_worker = nullptr;

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;      // guarded by mutex_
  std::deque<Job> own_jobs_;  // submitted by jobs; only the worker's thread uses it
  lab::atomic<bool> stop_{false, "stop"};
};

}  // namespace worker_pool
