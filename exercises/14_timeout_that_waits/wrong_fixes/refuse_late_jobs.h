// A pool with one worker, and two ways to wait until all its jobs have finished.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

class Pool {
 public:
  // Lets the worker finish the remaining jobs; after that, ~jthread joins worker_.
  ~Pool() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    work_ready_.notify_one();
  }

  void submit(Job job) {
    const std::lock_guard lock(mutex_);
    // While the pool is being destroyed, only its own jobs may still use it.
    if (closed_ && t_pool != this) return;
    jobs_.push_back(std::move(job));
    ++unfinished_;
    work_ready_.notify_one();
  }

  // Blocks until every job has finished.
  void drain() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return unfinished_ == 0; });
  }

  // The same, for at most `timeout`. Returns whether every job has finished.
  bool drain_for(lab::steady_clock::duration timeout) {
    std::unique_lock lock(mutex_);
    return idle_.wait_for(lock, timeout, [this] { return unfinished_ == 0; });
  }

 private:
  void run() {
    t_pool = this;
    std::unique_lock lock(mutex_);
    while (true) {
      work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      job = nullptr;  // destroys what it owns before it counts as finished
      lock.lock();
      if (--unfinished_ == 0) idle_.notify_all();
    }
  }

  // The pool that this thread works for.
  static inline thread_local const Pool* t_pool = nullptr;

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  lab::condition_variable idle_{"idle"};
  std::deque<Job> jobs_;                              // guarded by mutex_
  int unfinished_ = 0;                                // queued or running; guarded by mutex_
  bool closed_ = false;                               // guarded by mutex_
  lab::jthread worker_{"worker", [this] { run(); }};  // declared last: it uses the other members
};

}  // namespace worker_pool
