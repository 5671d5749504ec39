// A pool with one worker, which runs jobs at once or after a delay.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

class Pool {
 public:
  ~Pool() { (void)shutdown(); }

  // Queues a job. Returns false after shutdown() has been called: the caller still owns the job.
  [[nodiscard]] bool submit(Job&& job) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    jobs_.push_back(std::move(job));
    changed_.notify_one();
    return true;
  }

  // The same, but the job is queued only after `delay`, such as the backoff of a retry.
  [[nodiscard]] bool submit_after(lab::steady_clock::duration delay, Job&& job) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    delayed_.emplace(lab::steady_clock::now() + std::max(delay, delay.zero()), std::move(job));
    changed_.notify_one();
    return true;
  }

  // Waits for the queued jobs, then returns the delayed ones that have not run, the earliest first.
  // May be called again, but not by two threads at once, nor by a job.
  std::vector<Job> shutdown() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_one();
    if (worker_.joinable()) worker_.join();
    std::vector<Job> not_run;
    for (auto& [due, job] : std::exchange(delayed_, {})) not_run.push_back(std::move(job));
    return not_run;
  }

 private:
  // No thread moves jobs from one container to the other, so none can come too late.
  void run_jobs() {
    std::unique_lock lock(mutex_);
    while (true) {
      Job job;
      if (!jobs_.empty()) {
        job = std::move(jobs_.front());
        jobs_.pop_front();
      } else if (closed_) {
        return;
      } else if (delayed_.empty()) {
        changed_.wait(lock);
        continue;
      } else if (const auto first = delayed_.begin(); first->first > lab::steady_clock::now()) {
        changed_.wait_until(lock, first->first);
        continue;
      } else {
        job = std::move(first->second);
        delayed_.erase(first);
      }
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
    }
  }

  lab::mutex mutex_;
  lab::condition_variable changed_{"changed"};
  std::deque<Job> jobs_;                                       // guarded by mutex_
  std::multimap<lab::steady_clock::time_point, Job> delayed_;  // by due time; guarded by mutex_
  bool closed_ = false;                                        // guarded by mutex_
  lab::thread worker_{"worker", [this] { run_jobs(); }};       // uses all of the above
};

}  // namespace worker_pool
