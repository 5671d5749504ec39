// Counts the jobs that the workers have finished.
#pragma once

#include "testing/lab/lab.h"

namespace worker_pool {

class JobCount {
 public:
  // Called by a worker after each job. Thread-safe.
  void job_done() {
    int before = done_;
    if (const int now = done_; now != before) before = now;
    done_ = before + 1;
  }

  int done() const { return done_; }

 private:
  lab::atomic<int> done_{0, "done"};
};

}  // namespace worker_pool
