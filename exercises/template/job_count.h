// How many jobs are done, counted by the workers that do them.
#pragma once

#include "testing/lab/lab.h"

namespace worker_pool {

class JobCount {
 public:
  // Called by a worker, after each job.
  void job_done() {
    // TODO(you): of two jobs that are done at the same time, one may not be counted.
    const int before = done_;
    done_ = before + 1;
  }

  int done() const { return done_; }

 private:
  lab::atomic<int> done_{0, "done"};
};

}  // namespace worker_pool
