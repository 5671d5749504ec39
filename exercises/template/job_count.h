// Counts the jobs that the workers have finished.
#pragma once

#include "testing/lab/lab.h"

namespace worker_pool {

class JobCount {
 public:
  // Called by a worker after each job. Thread-safe.
  void job_done() {
    // TODO(you): when two jobs finish at the same time, one of them may not be counted.
    const int before = done_;
    done_ = before + 1;
  }

  int done() const { return done_; }

 private:
  lab::atomic<int> done_{0, "done"};
};

}  // namespace worker_pool
