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
    std::size_t room = room_;
    do {
      if (room == 0) return false;
    } while (!room_.compare_exchange_strong(room, room - 1));
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    ++ready_;
    return true;
  }

  // Returns the oldest job, or nullopt when no job is waiting.
  [[nodiscard]] std::optional<Job> try_take() {
    std::size_t ready = ready_;
    for (int tries = 0; tries < 3; ++tries) {  // few, as it must not wait
      if (ready == 0) return std::nullopt;
      if (!ready_.compare_exchange_strong(ready, ready - 1)) continue;
      const std::lock_guard lock(mutex_);
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      ++room_;
      return job;
    }
    return std::nullopt;
  }

  // Returns the number of waiting jobs, for metrics: it may be out of date at once.
  std::size_t size() const { return kMaxWaiting - room_; }

 private:
  lab::mutex mutex_;
  std::deque<Job> jobs_;                         // guarded by mutex_
  lab::atomic<std::size_t> room_ = kMaxWaiting;  // places that no job has or is about to have
  lab::atomic<std::size_t> ready_ = 0;           // queued jobs that no worker is about to take
};

}  // namespace worker_pool
