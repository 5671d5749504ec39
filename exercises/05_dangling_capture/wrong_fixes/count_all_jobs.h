// Sends reports in the background: each becomes a job in a queue, which a worker runs later.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

class JobQueue {
 public:
  void push(Job job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
      ++pushed_;
    }
    job_ready_.notify_one();
  }

  // Blocks until there is a job.
  Job pop() {
    std::unique_lock lock(mutex_);
    job_ready_.wait(lock, [this] { return !jobs_.empty(); });
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

 private:
  lab::mutex mutex_;
  lab::condition_variable job_ready_{"job_ready"};
  std::deque<Job> jobs_;                  // guarded by mutex_
  static inline std::size_t pushed_ = 0;  // of all queues, for metrics; guarded by mutex_
};

struct Report {
  std::string to{};
  std::string text{};  // may be large
};

// Sends one report. Owns what it needs to do so, such as a connection.
using Send = std::function<void(const Report&)>;

// Returns at once; a worker sends the report later. The caller need not keep anything alive for it.
inline void send_later(JobQueue& jobs, std::shared_ptr<const Report> report, Send send) {
  jobs.push([report = std::move(report), send = std::move(send)] { send(*report); });
}

}  // namespace worker_pool
