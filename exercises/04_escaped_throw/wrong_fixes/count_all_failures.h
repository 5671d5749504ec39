// A worker that runs jobs from its queue and reports the jobs that fail.
#pragma once

#include <deque>
#include <exception>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

using JobResult = std::expected<void, std::string>;  // the error is the reason

struct Job {
  std::string id{};
  std::function<JobResult()> work{};
};

// Called for each failed job, on the worker's thread, with no lock held. Must not throw.
using ReportFailure = std::function<void(const std::string& id, const std::string& error)>;

class Worker {
 public:
  explicit Worker(ReportFailure report) : report_(std::move(report)) {}

  void submit(Job job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    work_ready_.notify_one();
  }

  // No job is submitted after this: run() returns once no job is left.
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
      JobResult result;
      try {
        result = job->work();
      } catch (const std::exception& e) {
        result = std::unexpected(e.what());
      } catch (...) {
        result = std::unexpected("an exception that is not a std::exception");
      }
      if (result) continue;
      ++failures_;
      report_(job->id, result.error());
    }
  }

 private:
  // Blocks until there is a job. Returns nullopt when closed and no job is left.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  const ReportFailure report_;
  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;            // guarded by mutex_
  bool closed_ = false;             // guarded by mutex_
  static inline int failures_ = 0;  // of all workers, for metrics; only run() changes it
};

}  // namespace worker_pool
