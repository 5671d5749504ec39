// A pool with several workers, and a wait until it is idle.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

class Pool {
 public:
  explicit Pool(int workers) : workers_count_(static_cast<std::size_t>(workers)) {
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
    idle_.wait(lock, [this] { return is_idle(); });
  }

  // How many jobs have thrown an exception.
  int failed() const { return failed_; }

 private:
  void run() {
    while (true) {
      std::deque<Job> jobs = next();
      if (jobs.empty()) return;
      for (Job& job : jobs) {
        try {
          job();
        } catch (...) {
          ++failed_;
        }
        job = nullptr;  // destroys what it owns before the worker counts as idle
      }
      const std::lock_guard lock(mutex_);
      --busy_;
      if (is_idle()) idle_.notify_all();
    }
  }

  // Blocks until there is a job, and counts this worker as busy. Takes several if many are queued,
  // so that the workers lock less often. Returns none when the pool is closed and no job is left.
  std::deque<Job> next() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    std::deque<Job> taken;
    if (jobs_.empty()) return taken;
    const std::size_t share = std::max(1uz, jobs_.size() / (2 * workers_count_));
    while (taken.size() < share) {
      taken.push_back(std::move(jobs_.front()));
      jobs_.pop_front();
    }
    ++busy_;  // before another thread can see that the queue is empty
    return taken;
  }

  bool is_idle() const { return jobs_.empty() && busy_ == 0; }

  const std::size_t workers_count_;
  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  lab::condition_variable idle_{"idle"};
  std::deque<Job> jobs_;              // guarded by mutex_
  bool closed_ = false;               // guarded by mutex_
  lab::atomic<int> busy_{0, "busy"};  // workers that have a job
  lab::atomic<int> failed_ = 0;
  std::vector<lab::jthread> workers_;  // declared last: they use the other members
};

}  // namespace worker_pool
