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
    const std::lock_guard lock(submit_mutex_);
    if (count_ >= kMaxWaiting) return false;
    const std::size_t last = last_;
    jobs_[last % kMaxWaiting] = std::move(job);
    last_ = last + 1;
    ++count_;
    return true;
  }

  // Returns the oldest job, or nullopt when no job is waiting.
  [[nodiscard]] std::optional<Job> try_take() {
    const std::lock_guard lock(take_mutex_);
    if (first_ == last_) return std::nullopt;
    Job job = std::move(jobs_[first_ % kMaxWaiting]);
    ++first_;
    --count_;
    return job;
  }

  // Returns the number of waiting jobs, for metrics: it may be out of date at once.
  std::size_t size() const { return count_; }

 private:
  lab::mutex submit_mutex_;
  lab::mutex take_mutex_;
  std::array<Job, kMaxWaiting> jobs_;   // a ring
  std::size_t first_ = 0;               // guarded by take_mutex_
  lab::atomic<std::size_t> last_ = 0;   // changes under submit_mutex_
  lab::atomic<std::size_t> count_ = 0;  // the limit and the size
};

}  // namespace worker_pool
