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
    work_ready_.notify_one();
    return true;
  }

  // The same, but the job is queued only after `delay`, such as the backoff of a retry.
  [[nodiscard]] bool submit_after(lab::steady_clock::duration delay, Job&& job) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    delay = std::max(delay, delay.zero());
    delayed_.emplace(delay, Delayed{lab::steady_clock::now() + delay, std::move(job)});
    timer_changed_.notify_one();
    return true;
  }

  // Waits for the queued jobs, then returns the delayed ones that have not run, the earliest first.
  // May be called again, but not by two threads at once, nor by a job.
  std::vector<Job> shutdown() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;  // from now on, the timer moves no job either
    }
    work_ready_.notify_one();
    timer_changed_.notify_one();
    if (timer_.joinable()) timer_.join();
    if (worker_.joinable()) worker_.join();
    std::vector<Job> not_run;
    for (auto& [delay, it] : std::exchange(delayed_, {})) not_run.push_back(std::move(it.job));
    return not_run;
  }

 private:
  struct Delayed {
    lab::steady_clock::time_point due;
    Job job;
  };

  void run_jobs() {
    std::unique_lock lock(mutex_);
    while (true) {
      work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
    }
  }

  // Moves each delayed job to the queue when it is due.
  void run_timer() {
    std::unique_lock lock(mutex_);
    while (!closed_) {
      if (delayed_.empty()) {
        timer_changed_.wait(lock);
      } else if (const auto first = delayed_.begin();
                 first->second.due > lab::steady_clock::now()) {
        timer_changed_.wait_until(lock, first->second.due);
      } else {
        jobs_.push_back(std::move(first->second.job));
        delayed_.erase(first);
        work_ready_.notify_one();
      }
    }
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  lab::condition_variable timer_changed_{"timer_changed"};
  std::deque<Job> jobs_;                                         // guarded by mutex_
  std::multimap<lab::steady_clock::duration, Delayed> delayed_;  // by delay; guarded by mutex_
  bool closed_ = false;                                          // guarded by mutex_
  lab::thread worker_{"worker", [this] { run_jobs(); }};         // these use all of the above
  lab::thread timer_{"timer", [this] { run_timer(); }};
};

}  // namespace worker_pool
