// A pool with several workers. Each job is for one of them from the beginning, so a job may wait
// behind a long one while another worker sleeps.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
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
  explicit Pool(int workers) {
    for (int i = 1; i <= workers; ++i) queues_.push_back(std::make_unique<Queue>());
    for (int i = 1; i <= workers; ++i) {
      Queue& queue = *queues_[static_cast<std::size_t>(i - 1)];
      workers_.emplace_back("worker " + std::to_string(i), [this, &queue] { run(queue); });
    }
  }

  // A shutdown, and the jobs that have not started are destroyed.
  ~Pool() { shutdown(); }

  // Moves from `job` only when it returns true. Returns false after the start of a shutdown.
  [[nodiscard]] bool submit(Job&& job) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    Queue& queue = *queues_[submitted_ % queues_.size()];  // the workers take turns
    queue.jobs.push_back({submitted_++, std::move(job)});
    queue.work_ready.notify_one();
    return true;
  }

  // Blocks until the running jobs have finished and the workers have exited. Returns the jobs that
  // have not started, the oldest first. A second call returns none. Not for jobs, and not for two
  // threads at the same time.
  std::deque<Job> shutdown() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const auto& queue : queues_) queue->work_ready.notify_one();
    }
    workers_.clear();  // ~jthread joins each of them
    std::map<std::size_t, Job> left;
    for (const auto& queue : queues_) {
      for (Numbered& it : std::exchange(queue->jobs, {}))
        left.emplace(it.number, std::move(it.job));
    }
    std::deque<Job> jobs;
    for (auto& [number, job] : left) jobs.push_back(std::move(job));
    return jobs;
  }

 private:
  struct Numbered {
    std::size_t number;
    Job job;
  };

  // Of one worker.
  struct Queue {
    lab::condition_variable work_ready{"work_ready"};
    std::deque<Numbered> jobs;  // guarded by mutex_
  };

  void run(Queue& queue) {
    while (const std::optional<Job> job = next(queue)) (*job)();
  }

  // Blocks until there is a job, and takes it. Returns nullopt when the pool stops: then the jobs
  // stay in the queue. The caller must run what it gets.
  std::optional<Job> next(Queue& queue) {
    std::unique_lock lock(mutex_);
    queue.work_ready.wait(lock, [&] { return stopping_ || !queue.jobs.empty(); });
    if (stopping_) return std::nullopt;
    Job job = std::move(queue.jobs.front().job);
    queue.jobs.pop_front();
    return job;
  }

  lab::mutex mutex_;
  std::vector<std::unique_ptr<Queue>> queues_;  // one for each worker
  std::size_t submitted_ = 0;                   // guarded by mutex_
  bool stopping_ = false;                       // guarded by mutex_
  std::vector<lab::jthread> workers_;           // declared last: they use the other members
};

}  // namespace worker_pool
