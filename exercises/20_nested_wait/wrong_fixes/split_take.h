// A pool of workers. Jobs belong to groups, and a thread can wait for all jobs of a group.
#pragma once

#include <algorithm>
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

// Must exist until Pool::wait() has returned for it.
class Group {
 private:
  friend class Pool;
  lab::condition_variable changed_{"group changed"};  // has a new job, or none is left
  int unfinished_ = 0;  // queued or running; guarded by the pool's mutex
};

class Pool {
 public:
  explicit Pool(int workers) {
    for (int id = 1; id <= workers; ++id) {
      threads_.emplace_back("worker " + std::to_string(id), [this] { run(); });
    }
  }
  // Lets the workers finish the remaining jobs; after that, ~jthread joins each.
  ~Pool() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    work_ready_.notify_all();
  }

  // Queues a job, which must not throw. Jobs may submit jobs.
  void submit(Group& group, Job job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({&group, std::move(job)});
    ++group.unfinished_;
    work_ready_.notify_one();
    group.changed_.notify_one();
  }

  // Blocks until every job of `group` has finished. A job may wait too, but not for its own group.
  void wait(Group& group) {
    while (true) {
      if (std::optional<Queued> next = take(group)) {
        run_job(*next);
        continue;
      }
      std::unique_lock lock(mutex_);
      if (group.unfinished_ == 0) return;
      group.changed_.wait(lock);
    }
  }

 private:
  struct Queued {
    Group* group;
    Job job;
  };

  void run() {
    while (true) {
      std::optional<Queued> next;
      {
        std::unique_lock lock(mutex_);
        work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        next = std::move(jobs_.front());
        jobs_.pop_front();
      }
      run_job(*next);
    }
  }

  // Takes the oldest job of the group out of the queue, if there is one.
  std::optional<Queued> take(Group& group) {
    const std::lock_guard lock(mutex_);
    const auto place = std::ranges::find(jobs_, &group, &Queued::group);
    if (place == jobs_.end()) return std::nullopt;
    std::optional<Queued> next = std::move(*place);
    jobs_.erase(place);
    return next;
  }

  // Called without the lock.
  void run_job(Queued& next) {
    next.job();
    next.job = nullptr;  // destroys what it owns before it counts as finished
    const std::lock_guard lock(mutex_);
    if (--next.group->unfinished_ == 0) next.group->changed_.notify_all();
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Queued> jobs_;            // guarded by mutex_
  bool closed_ = false;                // guarded by mutex_
  std::vector<lab::jthread> threads_;  // declared last: they use the other members
};

}  // namespace worker_pool
