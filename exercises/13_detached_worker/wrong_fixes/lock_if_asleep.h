// A pool with one worker, which runs the jobs one after another on its own thread.
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

class Pool {
 public:
  Pool() {
    worker_ = lab::thread("worker", [this] { run(); });
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Asks the worker to exit once no job is left, and waits until it has.
  ~Pool() {
    closed_.store(true, std::memory_order_release);
    if (asleep_.load(std::memory_order_acquire)) {
      // The worker may be between its check and its sleep: lock once, so that it sleeps by now.
      const std::lock_guard lock(mutex_);
    }
    work_ready_.notify_one();
    worker_.join();
  }

  void submit(Job job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    work_ready_.notify_one();
  }

 private:
  // The worker's thread runs this function.
  void run() {
    while (const std::optional<Job> job = next()) (*job)();
  }

  // Blocks until there is a job. Returns nullopt when closed and no job is left.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    asleep_.store(true, std::memory_order_release);  // before the check
    work_ready_.wait(lock,
                     [this] { return closed_.load(std::memory_order_acquire) || !jobs_.empty(); });
    asleep_.store(false, std::memory_order_release);
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;  // guarded by mutex_
  lab::atomic<bool> closed_{false, "closed"};
  lab::atomic<bool> asleep_{false, "asleep"};
  lab::thread worker_;
};

}  // namespace worker_pool
