// A pool with one worker, shared by its users, and a job that submits another job.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

class Pool {
 public:
  // Waits until every job has finished, including jobs that other jobs submit meanwhile.
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
      jobs_.push_back(std::move(job));
    }
    work_ready_.notify_one();
  }

 private:
  void run() {
    while (true) {
      std::deque<Job> batch;  // one lock for many jobs
      {
        std::unique_lock lock(mutex_);
        work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        batch.swap(jobs_);
      }
      for (const Job& job : batch) job();
    }
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;                             // guarded by mutex_
  bool closed_ = false;                              // guarded by mutex_
  lab::thread worker_{"worker", [this] { run(); }};  // declared last: it uses the other members
};

// Runs `first`, then submits `second` as a separate job: jobs submitted in the meantime run between
// the two.
inline void submit_both(const std::shared_ptr<Pool>& pool, Job first, Job second) {
  // A plain pointer: ~Pool waits for the jobs, so they need not own the pool.
  pool->submit([pool = pool.get(), first = std::move(first), second = std::move(second)] {
    first();
    pool->submit(second);
  });
}

}  // namespace worker_pool
