// A pool of workers. Jobs belong to groups, and a thread can wait for all jobs of a group.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <mutex>
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
    std::unique_lock lock(mutex_);
    if (t_depth == kMaxDepth) {  // each job in here needs stack: another worker runs the rest
      group.changed_.wait(lock, [&] { return group.unfinished_ == 0; });
      return;
    }
    ++t_depth;
    while (group.unfinished_ > 0) {
      const auto next = std::ranges::find(jobs_, &group, &Queued::group);
      if (next == jobs_.end()) {
        group.changed_.wait(lock);
      } else {
        run_job(next, lock);
      }
    }
    --t_depth;
  }

 private:
  struct Queued {
    Group* group;
    Job job;
  };

  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      run_job(jobs_.begin(), lock);
    }
  }

  // Takes the job out of the queue. Runs it without the lock.
  void run_job(std::deque<Queued>::iterator place, std::unique_lock<lab::mutex>& lock) {
    Queued next = std::move(*place);
    jobs_.erase(place);
    lock.unlock();
    next.job();
    next.job = nullptr;  // destroys what it owns before it counts as finished
    lock.lock();
    if (--next.group->unfinished_ == 0) next.group->changed_.notify_all();
  }

  static constexpr int kMaxDepth = 100;
  static inline thread_local int t_depth = 0;

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Queued> jobs_;            // guarded by mutex_
  bool closed_ = false;                // guarded by mutex_
  std::vector<lab::jthread> threads_;  // declared last: they use the other members
};

}  // namespace worker_pool
