// A pool with one worker, which runs the jobs one after another on its own thread.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

class Pool {
 public:
  Pool() {
    worker_ = lab::thread("worker", [this] { run(); });
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Asks the worker to exit once no job is left, and waits until it has.
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    work_ready_.notify_one();
    worker_.join();
  }

  void submit(Job job) {
    {
      const std::lock_guard lock(mutex_);
      // While the pool is being destroyed, only its own jobs may still use it.
      if (closed_ && t_pool != this) return;
      jobs_.push_back(std::move(job));
    }
    work_ready_.notify_one();
  }

 private:
  // The worker's thread runs this function.
  void run() {
    t_pool = this;
    while (const std::optional<Job> job = next()) (*job)();
  }

  // Blocks until there is a job. Returns nullopt when closed and no job is left.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  // The pool that this thread works for.
  static inline thread_local const Pool* t_pool = nullptr;

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;  // guarded by mutex_
  bool closed_ = false;   // guarded by mutex_
  lab::thread worker_;
};

}  // namespace worker_pool
