// Observer: is notified when a worker starts and finishes a job. The hook for log lines, error
// tracking, metrics and traces.
//
//   class CountFailures : public Observer {
//     void job_finished(int, const Job&, const JobResult& result) override {
//       if (!result) ++failures_;              // atomic: several workers call this
//     }
//     std::atomic<int> failures_ = 0;
//   };
#pragma once

#include <memory>
#include <utility>

#include "step1_job/job.h"

namespace worker_pool {

// Guarantees
//  1. A worker calls on its own thread, and holds no lock. (A program may itself report a job that
//     no worker received, as checksum.cc does: on another thread, as worker 0.)
//  2. Several workers may call at the same time, so an observer guards its own state.
//  3. The worker blocks for as long as the call takes.
//  4. An exception from an observer is dropped, so that observing a job cannot stop it. (WP-04)
//  5. A worker that a shutdown abandons may call it late, when the pool has been destroyed. So an
//     observer owns what it uses. The job and its result are valid during the call only. (WP-13)
class Observer {
 public:
  virtual ~Observer() = default;

  // The worker is about to call the handler. Not called for a job that was canceled or late before
  // it started.
  virtual void job_started(int /*worker*/, const Job& /*job*/) {}

  // The worker has finished with the job. Called exactly once for each job that a worker received,
  // whether it was started or not.
  virtual void job_finished(int /*worker*/, const Job& /*job*/, const JobResult& /*result*/) {}
};

// Returns `observer`, or an observer that does nothing if it is null. Callers need no null check.
inline std::shared_ptr<Observer> never_null(std::shared_ptr<Observer> observer) {
  return observer ? std::move(observer) : std::make_shared<Observer>();
}

}  // namespace worker_pool
