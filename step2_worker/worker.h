// The worker: one thread's loop over a channel of jobs.
#pragma once

#include <memory>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/wait_group.h"

namespace worker_pool {

// What happens to jobs, for whoever wants to know: log lines, error tracking, metrics, a trace.
//
// Called on the worker's own thread and without a lock held, by several workers at the same time,
// so an observer guards its own state. It delays its worker for as long as it takes. What it
// throws is dropped: watching the work must not stop the work. (WP-04)
class Observer {
 public:
  virtual ~Observer() = default;

  // The handler is about to be called. Not called for a job that was cancelled or late before it
  // started.
  virtual void job_started(int /*worker*/, const Job& /*job*/) {}

  // The worker is done with the job. Called exactly once for every job that a worker received,
  // started or not.
  virtual void job_finished(int /*worker*/, const Job& /*job*/, const JobResult& /*result*/) {}
};

// An observer that is never null: `observer`, or one that ignores everything. For whoever passes
// events on and does not want to ask each time.
std::shared_ptr<Observer> never_null(std::shared_ptr<Observer> observer);

// Handles jobs until the channel is closed and drained; meant to be the function of a thread.
//
//  - A job that fails or throws is reported to the observer, once, and the next one is handled.
//  - A job whose context has ended, or the pool's, is not started. It is reported as kCancelled or
//    kDeadlineExceeded. Cancelling the pool does not end the loop: only closing the channel does.
//  - `id` is the worker's name in reports. `observer` may be null.
//  - `done` is released when this worker's copies of the handler and the observer are gone already:
//    whoever waits for the group knows that this worker runs no more of the user's code.
//
// Owns everything it touches, so it may outlive whoever started it.
void worker(int id, Receiver<Job> queue, WaitGroup::Token done, JobHandler handler,
            std::shared_ptr<Observer> observer, Context pool);

}  // namespace worker_pool
