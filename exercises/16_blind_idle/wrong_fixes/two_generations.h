// A pool with several workers, and a wait until it is idle.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
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
    jobs_.push_back({++last_, std::move(job)});
    unfinished_.insert(last_);
    work_ready_.notify_one();
  }

  // Blocks until no job is queued or running.
  void wait_idle() {
    std::unique_lock lock(mutex_);
    // First for the jobs that were submitted before, then for the jobs that these submitted.
    for (int i = 0; i < 2; ++i) {
      const int last = last_;
      idle_.wait(lock, [&] { return unfinished_.empty() || *unfinished_.begin() > last; });
    }
  }

  // How many jobs have thrown an exception.
  int failed() const { return failed_; }

 private:
  void run() {
    while (std::optional<Numbered> next_job = next()) {
      try {
        next_job->job();
      } catch (...) {
        ++failed_;
      }
      next_job->job = nullptr;  // destroys what it owns before it counts as finished
      const std::lock_guard lock(mutex_);
      unfinished_.erase(next_job->number);
      idle_.notify_all();
    }
  }

  struct Numbered {
    int number;
    Job job;
  };

  // Blocks until there is a job. Returns nullopt when the pool is closed and no job is left.
  std::optional<Numbered> next() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    if (jobs_.empty()) return std::nullopt;
    Numbered job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  lab::condition_variable idle_{"idle"};
  std::deque<Numbered> jobs_;  // guarded by mutex_
  bool closed_ = false;        // guarded by mutex_
  int last_ = 0;               // the number of the last job; guarded by mutex_
  std::set<int> unfinished_;   // the numbers of the jobs; guarded by mutex_
  lab::atomic<int> failed_ = 0;
  std::vector<lab::jthread> workers_;  // declared last: they use the other members
};

}  // namespace worker_pool
