// A pool of one worker, and its shutdown.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

enum class SubmitStatus {
  kAccepted,  // the job will be done
  kClosed,    // never: shutdown() has been called, and the job is still the caller's
};

class Pool {
 public:
  Pool() : worker_("worker", [this] { run(); }) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() { shutdown(); }

  // Moves from `job` only when it returns kAccepted.
  [[nodiscard]] SubmitStatus submit(Job&& job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    work_ready_.notify_one();
    return SubmitStatus::kAccepted;
  }

  // Returns when all accepted jobs are done and the worker has ended.
  void shutdown() {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::nullopt);
    }
    work_ready_.notify_one();
    if (worker_.joinable()) worker_.join();
  }

 private:
  void run() {
    while (const std::optional<Job> job = next()) (*job)();
  }

  // Blocks until there is something to take; nullopt: that was the last job.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return !jobs_.empty(); });
    std::optional<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<std::optional<Job>> jobs_;  // guarded by mutex_; nullopt ends the worker
  lab::thread worker_;                   // the last member: it uses all the others
};

}  // namespace worker_pool
