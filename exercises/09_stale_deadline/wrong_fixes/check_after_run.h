// A worker's loop over a queue of jobs that each have a deadline.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

struct Job {
  std::string id;
  lab::steady_clock::time_point deadline;  // afterwards nobody wants the result any more
  std::function<void()> body;
};

class Worker {
 public:
  // `report_late` is called for each job that comes too late, by the thread in submit() or run(),
  // without a lock held.
  explicit Worker(std::function<void(const Job&)> report_late)
      : report_late_(std::move(report_late)) {}

  void submit(Job job) {
    if (is_late(job)) return report_late_(job);
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    work_ready_.notify_one();
  }

  // No more jobs: run() returns as soon as none is left.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    work_ready_.notify_all();
  }

  // The function of the worker's thread.
  void run() {
    while (const std::optional<Job> job = next()) {
      job->body();
      if (is_late(*job)) report_late_(*job);
    }
  }

 private:
  static bool is_late(const Job& job) { return lab::steady_clock::now() > job.deadline; }

  // Blocks until there is a job; nullopt: closed, and no job is left.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  const std::function<void(const Job&)> report_late_;
  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;  // guarded by mutex_
  bool closed_ = false;   // guarded by mutex_
};

}  // namespace worker_pool
