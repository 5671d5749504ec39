// The job queue between the threads that submit jobs and the workers that take them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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
    if (count_ == kMaxWaiting) return false;
    jobs_[next_in_++ % kMaxWaiting] = std::move(job);
    ++count_;
    return true;
  }

  // Returns the oldest job, or nullopt when no job is waiting.
  [[nodiscard]] std::optional<Job> try_take() {
    const std::lock_guard lock(mutex_);
    if (count_ == 0) return std::nullopt;
    --count_;
    return std::move(jobs_[next_out_++ % kMaxWaiting]);
  }

  // Returns the number of waiting jobs, for metrics: it may be out of date at once.
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  mutable lab::mutex mutex_;
  // All guarded by mutex_. A ring of 100 places, so a byte is enough for a place.
  std::array<Job, kMaxWaiting> jobs_;
  std::uint8_t next_in_ = 0;
  std::uint8_t next_out_ = 0;
  std::size_t count_ = 0;
};

}  // namespace worker_pool
