// A worker that runs jobs from its queue until it is asked to stop.
#pragma once

#include <cstddef>
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
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    work_ready_.notify_all();
  }

  // The worker's thread runs this function.
  void run() {
    while (const std::optional<Job> job = next()) (*job)();
  }

 private:
  // Blocks until there is a job. Returns nullopt after stop(), when no job is left.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    ++taken_;
    return job;
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;                 // guarded by mutex_
  static inline std::size_t taken_ = 0;  // of all workers, for metrics; guarded by mutex_
  lab::atomic<bool> stop_{false, "stop"};
};

}  // namespace worker_pool
