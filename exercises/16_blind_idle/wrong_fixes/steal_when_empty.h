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
  explicit Pool(int workers) : queues_(static_cast<std::size_t>(workers)) {
    for (int i = 1; i <= workers; ++i) {
      workers_.emplace_back("worker " + std::to_string(i),
                            [this, i] { run(static_cast<std::size_t>(i - 1)); });
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
    queues_[submitted_++ % queues_.size()].push_back(std::move(job));  // the workers take turns
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
  void run(std::size_t self) {
    while (std::optional<Job> job = next(self)) {
      try {
        (*job)();
      } catch (...) {
        ++failed_;
      }
      job.reset();  // destroys what it owns before the worker counts as idle
      const std::lock_guard lock(mutex_);
      --busy_;
      if (is_idle()) idle_.notify_all();
    }
  }

  // Blocks until there is a job, and counts this worker as busy. Returns nullopt when the pool is
  // closed and no job is left.
  std::optional<Job> next(std::size_t self) {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return closed_ || !is_empty(); });
    if (is_empty()) return std::nullopt;
    std::deque<Job>* from = &queues_[self];
    if (from->empty()) {  // nothing of its own: takes the oldest job of another one
      from = &*std::ranges::find_if(queues_, [](const auto& jobs) { return !jobs.empty(); });
    }
    Job job = std::move(from->front());
    from->pop_front();
    ++busy_;  // before another thread can see that the queue is empty
    return job;
  }

  bool is_empty() const {
    return std::ranges::all_of(queues_, [](const auto& jobs) { return jobs.empty(); });
  }
  bool is_idle() const { return is_empty() && busy_ == 0; }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  lab::condition_variable idle_{"idle"};
  std::vector<std::deque<Job>> queues_;  // guarded by mutex_; one for each worker
  std::size_t submitted_ = 0;            // guarded by mutex_
  bool closed_ = false;                  // guarded by mutex_
  lab::atomic<int> busy_{0, "busy"};     // workers that have a job
  lab::atomic<int> failed_ = 0;
  std::vector<lab::jthread> workers_;  // declared last: they use the other members
};

}  // namespace worker_pool
