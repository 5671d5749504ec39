// The thread that destroys the pool runs the jobs that were queued behind the mark.
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

  // Queues a mark, at which the worker exits, and waits until it has.
  ~Pool() {
    push(std::nullopt);
    worker_.join();
    // The last jobs may have submitted jobs behind the mark.
    while (!jobs_.empty()) {
      const std::optional<Job> job = next();
      (*job)();
    }
  }

  void submit(Job job) { push(std::move(job)); }

 private:
  void push(std::optional<Job> entry) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(entry));
    }
    work_ready_.notify_one();
  }

  // The worker's thread runs this function.
  void run() {
    while (const std::optional<Job> job = next()) (*job)();
  }

  // Blocks until the queue has an entry, and returns it. nullopt: the worker exits.
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
  lab::thread worker_;
};

}  // namespace worker_pool
