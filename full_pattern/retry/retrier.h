// Retrier: submits failed jobs again, after a backoff and a limited number of times.
//
//   const auto retries = std::make_shared<RetryQueue>(RetryPolicy{.tries = 3}, observer);
//   WorkerPool pool({.workers = 3}, handler, retries);
//   Retrier retrier(retries, pool);    // after the pool, so destroyed before it; before any job
//   ...
//   const ShutdownReport report = pool.shutdown();
//   for (WaitingJob& waiting : retrier.stop()) put_back(std::move(waiting.job));
//
// Why does the worker not submit the failed job itself? A worker that waits for room in its own
// pool's queue makes no room, and if all workers wait, the pool deadlocks. A worker that sleeps
// through the backoff does no other work. So a worker only adds its job to the RetryQueue, and the
// Retrier's own thread submits it. (WP-22)
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "full_pattern/retry/retry_queue.h"
#include "full_pattern/worker_pool.h"

namespace worker_pool {

// Its thread submits the waiting jobs with try_submit(). If the pool is full, or there is no
// memory, it tries again after RetryPolicy::backoff, which does not count as a try. Each time that
// the pool is full, WorkerPool counts one more rejected job: up to 1000 a second, for the same job,
// if the backoff is 1 ms. If the pool has been shut down, it leaves the jobs to stop(). To the
// pool, each try is a job. A job that is canceled while it waits is reported when its next try is
// due.
//
// In a child process of fork(), as a WorkerPool: call nothing; the destructor does nothing. (WP-36)
class Retrier {
 public:
  // From now on the jobs that fail wait in `queue`; until now their errors were final. The pool
  // must outlive the Retrier. Throws std::invalid_argument if `queue` is null, std::logic_error if
  // it has a Retrier or had one, and std::system_error if the thread cannot be started.
  Retrier(std::shared_ptr<RetryQueue> queue, WorkerPool& pool);

  // DROPS the waiting jobs, unless stop() was called. Does not wait for jobs.
  ~Retrier();

  // From now on no job is submitted again, and every error is final. Returns the waiting jobs,
  // ordered by the time of their next try. A job that fails meanwhile is either returned or
  // reported to `next`, never both. Does not wait for jobs. Idempotent: later calls return nothing.
  //
  // Call it after pool.shutdown(): it then also returns the jobs that the shutdown stopped (their
  // error is kShutDown) and those that failed during the shutdown and had tries left. If it is
  // called before, these jobs are reported to `next`.
  [[nodiscard]] std::vector<WaitingJob> stop();

 private:
  const std::shared_ptr<RetryQueue> queue_;
  WorkerPool& pool_;
  std::jthread thread_;  // last: it uses the queue, so it is joined first (WP-21)
};

}  // namespace worker_pool
