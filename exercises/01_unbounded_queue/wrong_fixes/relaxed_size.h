// The job queue between the threads that submit jobs and the workers that take them.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

// Thread-safe. No function waits for a job or for room: the caller decides what to do when the
// queue is empty or full.
class JobQueue {
 public:
  // The maximum number of waiting jobs.
  static constexpr std::size_t kMaxWaiting = 100;

  // Returns false when there is no room. Moves from `job` only when it returns true; otherwise the
  // caller still owns the job.
  [[nodiscard]] bool try_submit(Job&& job) {
    const std::lock_guard lock(submit_mutex_);
    const std::size_t last = last_.load();
    if (last - first_.load() >= kMaxWaiting) return false;
    jobs_[last % kMaxWaiting] = std::move(job);
    last_.store(last + 1);
    return true;
  }

  // Returns the oldest job, or nullopt when no job is waiting.
  [[nodiscard]] std::optional<Job> try_take() {
    const std::lock_guard lock(take_mutex_);
    const std::size_t first = first_.load();
    if (first == last_.load()) return std::nullopt;
    Job job = std::move(jobs_[first % kMaxWaiting]);
    first_.store(first + 1);
    return job;
  }

  // Returns the number of waiting jobs, for metrics: it may be out of date at once.
  std::size_t size() const {
    const std::size_t first = first_.load(std::memory_order_relaxed);
    const std::size_t last = last_.load(std::memory_order_relaxed);
    return std::min(last - first, kMaxWaiting);  // jobs may come and go between the two loads
  }

 private:
  // Producers and workers do not hold up each other.
  lab::mutex submit_mutex_;
  lab::mutex take_mutex_;
  std::array<Job, kMaxWaiting> jobs_;  // a ring
  lab::atomic<std::size_t> first_{0};  // how many jobs have been taken; changes under take_mutex_
  lab::atomic<std::size_t> last_{0};   // how many were accepted; changes under submit_mutex_
};

}  // namespace worker_pool
