// A pool with several workers, and a wait until it is idle.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

class Pool {
 public:
  explicit Pool(int workers) {
    for (int i = 1; i <= workers; ++i) {
      workers_.emplace_back("worker " + std::to_string(i), [this] { run(); });
    }
  }

  // Lets the workers finish the remaining jobs; after that, ~jthread joins each of them.
  ~Pool() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    work_ready_.notify_all();
  }

  void submit(Job job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    work_ready_.notify_one();
  }

  // Blocks until no job is queued or running.
  void wait_idle() {
    std::unique_lock lock(mutex_);
    waiting_.fetch_add(1, std::memory_order_acq_rel);  // before the check
    idle_.wait(lock, [this] { return is_idle(); });
    waiting_.fetch_sub(1, std::memory_order_acq_rel);
  }

  // How many jobs have thrown an exception.
  int failed() const { return failed_; }

 private:
  void run() {
    while (std::optional<Job> job = next()) {
      try {
        (*job)();
      } catch (...) {
        ++failed_;
      }
      job.reset();  // destroys what it owns before the worker counts as idle
      busy_.fetch_sub(1, std::memory_order_acq_rel);
      if (waiting_.load(std::memory_order_acquire) == 0) continue;
      const std::lock_guard lock(mutex_);
      if (is_idle()) idle_.notify_all();
    }
  }

  // Blocks until there is a job, and counts this worker as busy. Returns nullopt when the pool is
  // closed and no job is left.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    busy_.fetch_add(
        1, std::memory_order_acq_rel);  // before another thread can see that the queue is empty
    return job;
  }

  bool is_idle() const { return jobs_.empty() && busy_.load(std::memory_order_acquire) == 0; }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  lab::condition_variable idle_{"idle"};
  std::deque<Job> jobs_;                    // guarded by mutex_
  bool closed_ = false;                     // guarded by mutex_
  lab::atomic<int> busy_{0, "busy"};        // workers that have a job
  lab::atomic<int> waiting_{0, "waiting"};  // threads in wait_idle()
  lab::atomic<int> failed_ = 0;
  std::vector<lab::jthread> workers_;  // declared last: they use the other members
};

}  // namespace worker_pool
