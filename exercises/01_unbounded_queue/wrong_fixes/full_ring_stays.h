// The job queue between the threads that submit jobs and the workers that take them.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
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

  JobQueue() = default;
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;
  ~JobQueue() {
    for (std::size_t i = first_; i != last_; i = next(i)) std::destroy_at(job_at(i));
  }

  // Returns false when there is no room. Moves from `job` only when it returns true; otherwise the
  // caller still owns the job.
  [[nodiscard]] bool try_submit(Job&& job) {
    const std::lock_guard lock(mutex_);
    if (count_ == kMaxWaiting) return false;
    std::construct_at(job_at(last_), std::move(job));
    last_ = next(last_);
    ++count_;
    return true;
  }

  // Returns the oldest job, or nullopt when no job is waiting.
  [[nodiscard]] std::optional<Job> try_take() {
    const std::lock_guard lock(mutex_);
    if (count_ == 0) return std::nullopt;
    Job job = std::move(*job_at(first_));
    std::destroy_at(job_at(first_));
    first_ = next(first_);
    --count_;
    return job;
  }

  // Returns the number of waiting jobs, for metrics: it may be out of date at once.
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  static std::size_t next(std::size_t i) { return (i + 1) % kMaxWaiting; }

  Job* job_at(std::size_t i) { return reinterpret_cast<Job*>(&places_[i * sizeof(Job)]); }

  mutable lab::mutex mutex_;
  // All guarded by mutex_. A ring of 100 places, of which only those in use hold a job.
  alignas(Job) std::array<std::byte, kMaxWaiting * sizeof(Job)> places_;
  std::size_t first_ = 0;
  std::size_t last_ = 0;  // the place after the last job
  std::size_t count_ = 0;
};

}  // namespace worker_pool
