// A pool with one worker, and its shutdown.
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
  kAccepted,  // the job will run
  kClosed,    // shutdown() has been called: the caller still owns the job
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
      if (closed_) return SubmitStatus::kClosed;
      jobs_.push_back(std::move(job));
    }
    work_ready_.notify_one();
    return SubmitStatus::kAccepted;
  }

  // Returns when all accepted jobs have finished and the worker has exited.
  void shutdown() {
    {
      const std::lock_guard lock(mutex_);
      if (closing_) return;
      closing_ = true;
      jobs_.push_back(std::nullopt);
    }
    work_ready_.notify_one();
    worker_.join();
    std::deque<std::optional<Job>> late;  // accepted behind the mark: they must run, too
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      late.swap(jobs_);
    }
    for (const std::optional<Job>& job : late) (*job)();
  }

 private:
  void run() {
    while (const std::optional<Job> job = next()) (*job)();
  }

  // Blocks until the queue has an entry, and returns it. nullopt: there are no more jobs.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return !jobs_.empty(); });
    std::optional<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<std::optional<Job>> jobs_;  // guarded by mutex_; at nullopt the worker exits
  bool closing_ = false;                 // guarded by mutex_
  bool closed_ = false;                  // guarded by mutex_
  lab::thread worker_;                   // declared last: it uses the other members
};

}  // namespace worker_pool
