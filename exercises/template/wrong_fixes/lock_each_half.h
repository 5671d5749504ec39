// Counts the jobs that the workers have finished.
#pragma once

#include <mutex>

#include "testing/lab/lab.h"

namespace worker_pool {

class JobCount {
 public:
  // Called by a worker after each job. Thread-safe.
  void job_done() {
    int before = 0;
    {
      const std::lock_guard lock(mutex_);
      before = done_;
    }
    const std::lock_guard lock(mutex_);
    done_ = before + 1;
  }

  int done() const { return done_; }

 private:
  lab::mutex mutex_;
  lab::atomic<int> done_{0, "done"};
};

}  // namespace worker_pool
