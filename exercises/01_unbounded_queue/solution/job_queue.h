// The queue between those who submit jobs and the workers who take them.
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

// Every function may be called from many threads at once. None of them waits for a job or for room:
// what to do about an empty or a full queue is the caller's decision.
class JobQueue {
 public:
  // At most this many jobs wait at the same time.
  static constexpr std::size_t kMaxWaiting = 100;

  // False: there is no room. Moves from `job` only when it returns true; otherwise the job is still
  // the caller's.
  [[nodiscard]] bool try_submit(Job&& job) {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= kMaxWaiting) return false;
    jobs_.push_back(std::move(job));
    return true;
  }

  // The oldest job; nullopt: none waits.
  [[nodiscard]] std::optional<Job> try_take() {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  // How many jobs wait, for metrics: out of date as soon as it is returned.
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }

 private:
  mutable lab::mutex mutex_;
  std::deque<Job> jobs_;  // guarded by mutex_
};

}  // namespace worker_pool
