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
      if (closed_) return false;
      if (running_ < permits_) {
        ++running_;
      } else {
        ++waiting_;
        permit_handed_.wait(lock);  // the thread that notifies leaves its permit to this one
        if (closed_) return false;
      }
    }
    const Permit permit(*this);
    job();
    return true;
  }

  // No job starts from now on. Blocks until no job is running. No job may call this.
  void shutdown() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    waiting_ = 0;
    permit_handed_.notify_all();
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
      const std::lock_guard lock(limit_.mutex_);
      if (limit_.waiting_ > 0) {  // the permit goes to a thread that waits
        --limit_.waiting_;
        limit_.permit_handed_.notify_one();
        return;
      }
      --limit_.running_;
      if (limit_.running_ == 0) limit_.idle_.notify_all();
    }

   private:
    JobLimit& limit_;
  };

  const int permits_;
  lab::mutex mutex_;
  lab::condition_variable permit_handed_{"permit_handed"};
  lab::condition_variable idle_{"idle"};
  int running_ = 0;      // permits in use; guarded by mutex_
  int waiting_ = 0;      // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_
};

}  // namespace worker_pool
