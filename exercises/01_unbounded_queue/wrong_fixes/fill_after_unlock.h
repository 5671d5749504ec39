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
    std::unique_lock lock(mutex_);
    if (jobs_.size() >= kMaxWaiting) return false;
    Place& place = jobs_.emplace_back();  // reserved: a deque does not move it
    lock.unlock();
    place.job = std::move(job);  // may be large, so not under the lock
    lock.lock();
    place.is_filled = true;
    return true;
  }

  // Returns the oldest job, or nullopt when no job is waiting.
  [[nodiscard]] std::optional<Job> try_take() {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty() || !jobs_.front().is_filled) return std::nullopt;
    Job job = std::move(jobs_.front().job);
    jobs_.pop_front();
    return job;
  }

  // Returns the number of waiting jobs, for metrics: it may be out of date at once.
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }

 private:
  struct Place {
    Job job{};
    bool is_filled = false;  // guarded by mutex_
  };

  mutable lab::mutex mutex_;
  std::deque<Place> jobs_;  // guarded by mutex_, except for a job that is not yet filled in
};

}  // namespace worker_pool
