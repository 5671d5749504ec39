// Counts the jobs that the workers have finished.
#pragma once

#include <chrono>

#include "testing/lab/lab.h"

namespace worker_pool {

class JobCount {
 public:
  // Called by a worker after each job. Thread-safe.
  void job_done() {
    const int before = done_;
    lab::this_thread::sleep_for(std::chrono::milliseconds(1));
    done_ = before + 1;
  }

  int done() const { return done_; }

 private:
  lab::atomic<int> done_{0, "done"};
};

}  // namespace worker_pool
