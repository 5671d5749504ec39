// The job queue between the threads that submit jobs and the workers that take them.
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

// Thread-safe. No function waits for a job or for room: the caller decides what to do when the
// queue is empty or full.
class JobQueue {
 public:
  // The maximum number of waiting jobs.
  static constexpr std::size_t kMaxWaiting = 100;

  // Returns false when there is no room. Moves from `job` only when it returns true; otherwise the
  // caller still owns the job.
  [[nodiscard]] bool try_submit(Job&& job) {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= kMaxWaiting) {
      ++refused_;
      return false;
    }
    jobs_.push_back(std::move(job));
    return true;
  }

  // Returns the oldest job, or nullopt when no job is waiting.
  [[nodiscard]] std::optional<Job> try_take() {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  // Returns the number of waiting jobs, for metrics: it may be out of date at once.
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }

 private:
  mutable lab::mutex mutex_;
  std::deque<Job> jobs_;                   // guarded by mutex_
  static inline std::size_t refused_ = 0;  // of all queues, for metrics; guarded by mutex_
};

}  // namespace worker_pool
