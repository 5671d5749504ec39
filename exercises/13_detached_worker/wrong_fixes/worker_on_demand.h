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
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Asks the worker to exit once no job is left, and waits until it has.
  ~Pool() {
    if (worker_.joinable()) worker_.join();
  }

  void submit(Job job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    if (is_working_) return;
    is_working_ = true;
    if (worker_.joinable()) worker_.join();  // it has no job and exits
    worker_ = lab::thread("worker", [this] { run(); });
  }

 private:
  // The worker's thread runs this function.
  void run() {
    while (const std::optional<Job> job = next()) (*job)();
  }

  // Returns nullopt when no job is left.
  std::optional<Job> next() {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty()) {
      is_working_ = false;
      return std::nullopt;
    }
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  lab::mutex mutex_;
  std::deque<Job> jobs_;     // guarded by mutex_
  bool is_working_ = false;  // guarded by mutex_
  lab::thread worker_;
};

}  // namespace worker_pool
