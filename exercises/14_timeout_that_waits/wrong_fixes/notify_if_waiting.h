// A pool with one worker, and two ways to wait until all its jobs have finished.
#pragma once

#include <atomic>
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
    jobs_.push_back(std::move(job));
    unfinished_.fetch_add(1, std::memory_order_acq_rel);
    work_ready_.notify_one();
  }

  // Blocks until every job has finished.
  void drain() {
    std::unique_lock lock(mutex_);
    waiting_.fetch_add(1, std::memory_order_acq_rel);  // before the check
    idle_.wait(lock, [this] { return unfinished_.load(std::memory_order_acquire) == 0; });
    waiting_.fetch_sub(1, std::memory_order_acq_rel);
  }

  // The same, for at most `timeout`. Returns whether every job has finished.
  bool drain_for(lab::steady_clock::duration timeout) {
    std::unique_lock lock(mutex_);
    waiting_.fetch_add(1, std::memory_order_acq_rel);  // before the check
    const bool drained = idle_.wait_for(
        lock, timeout, [this] { return unfinished_.load(std::memory_order_acquire) == 0; });
    waiting_.fetch_sub(1, std::memory_order_acq_rel);
    return drained;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      job = nullptr;  // destroys what it owns before it counts as finished
      const bool is_last = unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1;
      const bool notifies = is_last && waiting_.load(std::memory_order_acquire) > 0;
      lock.lock();
      if (notifies) idle_.notify_all();
    }
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  lab::condition_variable idle_{"idle"};
  std::deque<Job> jobs_;                              // guarded by mutex_
  lab::atomic<int> unfinished_{0, "unfinished"};      // queued or running
  lab::atomic<int> waiting_{0, "waiting"};            // threads in drain() and drain_for()
  bool closed_ = false;                               // guarded by mutex_
  lab::jthread worker_{"worker", [this] { run(); }};  // declared last: it uses the other members
};

}  // namespace worker_pool
