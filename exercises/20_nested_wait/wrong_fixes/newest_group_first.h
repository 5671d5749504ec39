// A pool of workers. Jobs belong to groups, and a thread can wait for all jobs of a group.
#pragma once

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
  std::deque<Job> jobs_;                              // queued; guarded by the pool's mutex
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
    if (group.jobs_.empty()) groups_.push_back(&group);
    group.jobs_.push_back(std::move(job));
    ++group.unfinished_;
    work_ready_.notify_one();
    group.changed_.notify_one();
  }

  // Blocks until every job of `group` has finished. A job may wait too, but not for its own group.
  void wait(Group& group) {
    std::unique_lock lock(mutex_);
    while (group.unfinished_ > 0) {
      if (group.jobs_.empty()) {
        group.changed_.wait(lock);
      } else {
        run_job(group, lock);
      }
    }
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      work_ready_.wait(lock, [this] { return closed_ || !groups_.empty(); });
      if (groups_.empty()) return;
      run_job(*groups_.back(), lock);  // depth first: the inner jobs before the outer ones
    }
  }

  // Takes the oldest job of the group out of its queue. Runs it without the lock.
  void run_job(Group& group, std::unique_lock<lab::mutex>& lock) {
    Job job = std::move(group.jobs_.front());
    group.jobs_.pop_front();
    if (group.jobs_.empty()) std::erase(groups_, &group);
    lock.unlock();
    job();
    job = nullptr;  // destroys what it owns before it counts as finished
    lock.lock();
    if (--group.unfinished_ == 0) group.changed_.notify_all();
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Group*> groups_;          // those with queued jobs; guarded by mutex_
  bool closed_ = false;                // guarded by mutex_
  std::vector<lab::jthread> threads_;  // declared last: they use the other members
};

}  // namespace worker_pool
