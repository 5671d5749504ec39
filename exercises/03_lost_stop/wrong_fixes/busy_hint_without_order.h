// A worker that runs jobs from its queue until it is asked to stop.
#pragma once

#include <atomic>
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
    stop_ = true;
    // While a job runs, the worker is awake, and checks stop_ before it sleeps.
    if (busy_.load(std::memory_order_acquire)) return;
    {
      // The worker may be between its check and its sleep: lock once, so that it sleeps by now.
      const std::lock_guard lock(mutex_);
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
    busy_.store(false, std::memory_order_release);  // before the check
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return std::nullopt;
    busy_.store(true, std::memory_order_release);
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;  // guarded by mutex_
  lab::atomic<bool> stop_{false, "stop"};
  lab::atomic<bool> busy_{false, "busy"};
};

}  // namespace worker_pool
