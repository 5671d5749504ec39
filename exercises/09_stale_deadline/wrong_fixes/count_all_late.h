// A worker that runs jobs from its queue. Each job has a deadline.
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
  lab::steady_clock::time_point deadline;  // the result is useless after this
  std::function<void()> body;
};

class Worker {
 public:
  // `report_late` is called for each late job, on the thread that is in submit() or run(), with no
  // lock held.
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

  // After this, only jobs and `report_late` may submit jobs: run() returns once no job is left.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    work_ready_.notify_all();
  }

  // The worker's thread runs this function.
  void run() {
    while (const std::optional<Job> job = next()) {
      if (is_late(*job)) {
        ++late_;
        report_late_(*job);
      } else {
        job->body();
      }
    }
  }

 private:
  static bool is_late(const Job& job) { return lab::steady_clock::now() > job.deadline; }

  // Blocks until there is a job. Returns nullopt when closed and no job is left.
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
  std::deque<Job> jobs_;        // guarded by mutex_
  bool closed_ = false;         // guarded by mutex_
  static inline int late_ = 0;  // became late in a queue, of all workers; only run() changes it
};

}  // namespace worker_pool
