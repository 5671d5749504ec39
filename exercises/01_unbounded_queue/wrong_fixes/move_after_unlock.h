// The job queue between the threads that submit jobs and the workers that take them.
#pragma once

#include <array>
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
    const std::lock_guard lock(mutex_);
    if (used_ == kMaxWaiting) return false;
    jobs_[last_++ % kMaxWaiting] = std::move(job);
    ++used_;
    return true;
  }

  // Returns the oldest job, or nullopt when no job is waiting.
  [[nodiscard]] std::optional<Job> try_take() {
    std::unique_lock lock(mutex_);
    if (first_ == last_) return std::nullopt;
    Job& place = jobs_[first_++ % kMaxWaiting];
    lock.unlock();  // the place is ours until used_ counts it as free
    Job job = std::move(place);
    lock.lock();
    --used_;
    return job;
  }

  // Returns the number of waiting jobs, for metrics: it may be out of date at once.
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return used_;
  }

 private:
  mutable lab::mutex mutex_;
  std::array<Job, kMaxWaiting> jobs_;  // a ring
  std::size_t first_ = 0;              // the next job to take; guarded by mutex_
  std::size_t last_ = 0;               // the next place to fill; guarded by mutex_
  std::size_t used_ = 0;               // places that are not free; guarded by mutex_
};

}  // namespace worker_pool
