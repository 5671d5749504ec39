// A pool with one worker, and its shutdown.
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

enum class SubmitStatus {
  kAccepted,  // the job will run
  kClosed,    // shutdown() has been called: the caller still owns the job
};

class Pool {
 public:
  Pool() : worker_("worker", [this] { run(); }) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() { shutdown(); }

  // Moves from `job` only when it returns kAccepted.
  [[nodiscard]] SubmitStatus submit(Job&& job) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_.load(std::memory_order_acquire)) return SubmitStatus::kClosed;
      jobs_.push_back(std::move(job));
    }
    work_ready_.notify_one();
    return SubmitStatus::kAccepted;
  }

  // Returns when all accepted jobs have finished and the worker has exited.
  void shutdown() {
    if (closed_.load(std::memory_order_relaxed)) return;
    closed_.store(true, std::memory_order_release);
    if (asleep_.load(std::memory_order_acquire)) {
      // The worker may be between its check and its sleep: lock once, so that it sleeps by now.
      const std::lock_guard lock(mutex_);
    }
    work_ready_.notify_one();
    worker_.join();
  }

 private:
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
  lab::thread worker_;  // declared last: it uses the other members
};

}  // namespace worker_pool
