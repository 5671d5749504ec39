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
    {
      std::unique_lock lock(mutex_);
      permit_free_.wait(lock, [this] { return closed_ || running_ < permits_; });
      if (closed_) return false;
      ++running_;
    }
    const Permit permit(*this);
    job();
    return true;
  }

  // No job starts from now on. Blocks until no job is running. No job may call this.
  void shutdown() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    permit_free_.notify_all();
    idle_.wait(lock, [this] { return running_ == 0; });
  }

 private:
  // Gives a permit back when it is destroyed, however the job ends.
  class Permit {
   public:
    explicit Permit(JobLimit& limit) : limit_(limit) {}
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;
    ~Permit() {
      std::unique_lock lock(limit_.mutex_);
      if (--limit_.running_ == 0) {  // after this, shutdown() may return, so notify under the lock
        limit_.permit_free_.notify_one();
        limit_.idle_.notify_all();
        return;
      }
      lock.unlock();  // the thread that wakes up finds the mutex free
      limit_.permit_free_.notify_one();
    }

   private:
    JobLimit& limit_;
  };

  const int permits_;
  lab::mutex mutex_;
  lab::condition_variable permit_free_{"permit_free"};
  lab::condition_variable idle_{"idle"};
  int running_ = 0;      // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_
};

}  // namespace worker_pool
