// A pool with several workers, and a wait until it is idle.
#pragma once

#include <algorithm>
#include <cstddef>
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
  explicit Pool(int workers) : shares_(static_cast<std::size_t>(workers)) {
    for (int i = 1; i <= workers; ++i) {
      workers_.emplace_back("worker " + std::to_string(i),
                            [this, i] { run(shares_[static_cast<std::size_t>(i - 1)]); });
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
    share_for_a_job().jobs.push_back(std::move(job));
    work_ready_.notify_all();
  }

  // Blocks until no job is queued or running.
  void wait_idle() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return is_idle(); });
  }

  // How many jobs have thrown an exception.
  int failed() const { return failed_; }

 private:
  // The queue of one worker, so that the workers do not all look into the same one.
  struct Share {
    std::deque<Job> jobs;
    bool busy = false;
  };

  static inline thread_local Share* t_share = nullptr;
  static inline thread_local Pool* t_pool = nullptr;

  // A worker keeps the jobs that its own job submits. Other jobs go where there is least to do.
  Share& share_for_a_job() {
    if (t_pool == this) return *t_share;
    const auto load = [](const Share& share) {
      return share.jobs.size() + (share.busy ? 1uz : 0uz);
    };
    return *std::ranges::min_element(shares_, {}, load);
  }

  void run(Share& share) {
    t_pool = this;
    t_share = &share;
    while (std::optional<Job> job = next(share)) {
      try {
        (*job)();
      } catch (...) {
        ++failed_;
      }
      job.reset();  // destroys what it owns before the worker counts as idle
      const std::lock_guard lock(mutex_);
      share.busy = false;
      if (is_idle()) idle_.notify_all();
    }
  }

  // Blocks until there is a job, and counts this worker as busy. Returns nullopt when the pool is
  // closed and no job is left.
  std::optional<Job> next(Share& share) {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [&] { return closed_ || !share.jobs.empty(); });
    if (share.jobs.empty()) return std::nullopt;
    Job job = std::move(share.jobs.front());
    share.jobs.pop_front();
    share.busy = true;  // before another thread can see that the queue is empty
    return job;
  }

  bool is_idle() const {
    return std::ranges::all_of(
        shares_, [](const Share& share) { return share.jobs.empty() && !share.busy; });
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  lab::condition_variable idle_{"idle"};
  std::vector<Share> shares_;  // guarded by mutex_
  bool closed_ = false;        // guarded by mutex_
  lab::atomic<int> failed_ = 0;
  std::vector<lab::jthread> workers_;  // declared last: they use the other members
};

}  // namespace worker_pool
