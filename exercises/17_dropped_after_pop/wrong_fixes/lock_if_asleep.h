// A pool with several workers. Its shutdown hands back the jobs that have not started.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

class Pool {
 public:
  // Jobs need `workers` >= 1.
  explicit Pool(int workers) {
    for (int i = 1; i <= workers; ++i) {
      workers_.emplace_back("worker " + std::to_string(i), [this] { run(); });
    }
  }

  // A shutdown, and the jobs that have not started are destroyed.
  ~Pool() { shutdown(); }

  // Moves from `job` only when it returns true. Returns false after the start of a shutdown.
  [[nodiscard]] bool submit(Job&& job) {
    const std::lock_guard lock(mutex_);
    if (stopping_.load(std::memory_order_acquire)) return false;
    jobs_.push_back(std::move(job));
    work_ready_.notify_one();
    return true;
  }

  // Blocks until the running jobs have finished and the workers have exited. Returns the jobs that
  // have not started, the oldest first. A second call returns none. Not for jobs, and not for two
  // threads at the same time.
  std::deque<Job> shutdown() {
    stopping_.store(true, std::memory_order_release);
    if (asleep_.load(std::memory_order_acquire) > 0) {
      // A worker may be between its check and its sleep: lock once, so that it sleeps by now.
      const std::lock_guard lock(mutex_);
    }
    work_ready_.notify_all();
    workers_.clear();  // ~jthread joins each of them
    return std::exchange(jobs_, {});
  }

 private:
  void run() {
    while (const std::optional<Job> job = next()) (*job)();
  }

  // Blocks until there is a job, and takes it. Returns nullopt when the pool stops: then the jobs
  // stay in the queue. The caller must run what it gets.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    asleep_.fetch_add(1, std::memory_order_acq_rel);  // before the check
    work_ready_.wait(
        lock, [this] { return stopping_.load(std::memory_order_acquire) || !jobs_.empty(); });
    asleep_.fetch_sub(1, std::memory_order_acq_rel);
    if (stopping_.load(std::memory_order_acquire)) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;  // guarded by mutex_
  lab::atomic<bool> stopping_{false, "stopping"};
  lab::atomic<int> asleep_{0, "workers asleep"};
  std::vector<lab::jthread> workers_;  // declared last: they use the other members
};

}  // namespace worker_pool
