// Limits how many jobs of one kind run at the same time, such as those that use a database.
#pragma once

#include <functional>
#include <mutex>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

// Every running job holds a permit. The limit owns no threads: workers call run().
class JobLimit {
 public:
  // Jobs need `permits` >= 1.
  explicit JobLimit(int permits) : permits_(permits) {}

  // Blocks until a permit is free, and runs `job` on this thread. The caller gets what the job
  // throws. Returns false, without running the job, after shutdown() has been called.
  bool run(const Job& job) {
    if (!take_free_permit()) {  // usually one is free: then this needs no lock
      std::unique_lock lock(mutex_);
      permit_free_.wait(lock, [this] { return is_closed() || take_free_permit(); });
      if (is_closed()) return false;  // set only under the mutex
    }
    const Permit permit(*this);
    if (is_closed()) return false;  // gives the permit back
    job();
    return true;
  }

  // No job starts from now on. Blocks until no job is running. No job may call this.
  void shutdown() {
    std::unique_lock lock(mutex_);
    closed_.store(true, std::memory_order_release);
    permit_free_.notify_all();
    idle_.wait(lock, [this] { return running_.load(std::memory_order_acquire) == 0; });
  }

 private:
  bool take_free_permit() {
    int running = running_.load(std::memory_order_relaxed);
    while (running < permits_) {
      if (running_.compare_exchange_strong(running, running + 1, std::memory_order_acq_rel)) {
        return true;
      }
    }
    return false;
  }

  bool is_closed() const { return closed_.load(std::memory_order_acquire); }

  // Gives a permit back when it is destroyed, however the job ends.
  class Permit {
   public:
    explicit Permit(JobLimit& limit) : limit_(limit) {}
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;
    ~Permit() {
      const std::lock_guard lock(limit_.mutex_);
      const int left = limit_.running_.fetch_sub(1, std::memory_order_acq_rel) - 1;
      limit_.permit_free_.notify_one();
      if (left == 0) limit_.idle_.notify_all();
    }

   private:
    JobLimit& limit_;
  };

  const int permits_;
  lab::mutex mutex_;
  lab::condition_variable permit_free_{"permit_free"};
  lab::condition_variable idle_{"idle"};
  lab::atomic<int> running_ = 0;      // goes down only under mutex_
  lab::atomic<bool> closed_ = false;  // set under mutex_
};

}  // namespace worker_pool
