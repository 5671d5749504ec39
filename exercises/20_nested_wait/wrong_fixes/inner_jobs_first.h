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
    // A job of a job comes first: a worker may be waiting for it.
    (t_is_worker ? inner_jobs_ : jobs_).push_back({&group, std::move(job)});
    ++group.unfinished_;
    work_ready_.notify_one();
    group.changed_.notify_one();
  }

  // Blocks until every job of `group` has finished. A job may wait too, but not for its own group.
  void wait(Group& group) {
    std::unique_lock lock(mutex_);
    while (group.unfinished_ > 0) {
      if (!run_job_of(group, inner_jobs_, lock) && !run_job_of(group, jobs_, lock)) {
        group.changed_.wait(lock);
      }
    }
  }

 private:
  struct Queued {
    Group* group;
    Job job;
  };

  static inline thread_local bool t_is_worker = false;

  void run() {
    t_is_worker = true;
    std::unique_lock lock(mutex_);
    while (true) {
      work_ready_.wait(lock, [this] { return closed_ || !inner_jobs_.empty() || !jobs_.empty(); });
      std::deque<Queued>& queue = inner_jobs_.empty() ? jobs_ : inner_jobs_;
      if (queue.empty()) return;
      run_job(queue, queue.begin(), lock);
    }
  }

  // Runs the oldest job of the group in this queue. Returns false if there is none.
  bool run_job_of(Group& group, std::deque<Queued>& queue, std::unique_lock<lab::mutex>& lock) {
    const auto next = std::ranges::find(queue, &group, &Queued::group);
    if (next == queue.end()) return false;
    run_job(queue, next, lock);
    return true;
  }

  // Takes the job out of the queue. Runs it without the lock.
  void run_job(std::deque<Queued>& queue, std::deque<Queued>::iterator place,
               std::unique_lock<lab::mutex>& lock) {
    Queued next = std::move(*place);
    queue.erase(place);
    lock.unlock();
    next.job();
    next.job = nullptr;  // destroys what it owns before it counts as finished
    lock.lock();
    if (--next.group->unfinished_ == 0) next.group->changed_.notify_all();
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Queued> jobs_;            // guarded by mutex_
  std::deque<Queued> inner_jobs_;      // submitted by workers; guarded by mutex_
  bool closed_ = false;                // guarded by mutex_
  std::vector<lab::jthread> threads_;  // declared last: they use the other members
};

}  // namespace worker_pool
