// Retrier: jobs that fail get another try, later, and a limited number of times.
//
//   const auto retries = std::make_shared<RetryQueue>(RetryPolicy{.tries = 3}, observer);
//   WorkerPool pool({.workers = 3}, handler, retries);
//   Retrier retrier(retries, pool);                      // after the pool, so destroyed before it
//   ...
//   for (WaitingJob& waiting : retrier.stop()) put_back(std::move(waiting.job));
//   const ShutdownReport report = pool.shutdown();
//
// Why not submit the job again where it failed? That is on a worker's thread. A worker that waits
// for room in its own pool's queue makes none, and when all of them wait, nobody does; one that
// sleeps through the backoff does no other work. So a worker only puts its job on a list, and a
// thread of the Retrier's own takes it from there. (WP-22)
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/worker.h"

namespace worker_pool {

// Valid: tries >= 1, backoff >= 1 ms, longest >= backoff, capacity >= 1.
struct RetryPolicy {
  int tries = 3;                                             // of a job, the first one included
  Clock::duration backoff = std::chrono::milliseconds(100);  // before the second try; then doubled
  Clock::duration longest = std::chrono::seconds(10);        // but no longer than this
  std::size_t capacity = 1000;                               // jobs that wait for another try
};

// How long a job waits before its second try, its third and so on; 0 before the first. Never
// overflows. Without the randomness that keeps many clients from coming back at once: how
// many tries coincide is limited by the workers.
Clock::duration backoff_before(const RetryPolicy& policy, int which_try);

struct WaitingJob {
  Job job{};
  JobError error{};  // of its last try
  int tries = 0;     // that it has had
};

// The jobs that wait for another try, and the observer that puts them there. The pool's workers
// share its ownership, so one that was abandoned may report to it late and in peace.
//
// It stands in front of the user's own observer, `next`, which may be null. That one hears
// job_started() of every try and job_finished() once, for the result that is final (whoever wants
// to hear of every try stands beside the queue: see observe_with). That is success, or an error
// after which there is no other try, because
//  - it is kCancelled or kDeadlineExceeded: nobody wants the job any more;
//  - the job's own context has ended, or its deadline (for all tries together) comes too early;
//  - the tries are used up, `capacity` jobs wait already, or the Retrier has stopped.
//
// Tries are counted by job id: two unfinished jobs with the same id would share them. An id whose
// job has ended may be used again, and starts anew.
class RetryQueue final : public Observer {
 public:
  // Throws std::invalid_argument for a policy that is not valid.
  RetryQueue(RetryPolicy policy, std::shared_ptr<Observer> next);

  // Neither waits for room in the pool. A job that will be tried again is copied.
  void job_started(int worker, const Job& job) override;
  void job_finished(int worker, const Job& job, const JobResult& result) override;

 private:
  friend class Retrier;

  bool keep(const Job& job, const JobError& error);
  void forget(const std::string& id);
  void resubmit_to(WorkerPool& pool);
  SendStatus submit_first(WorkerPool& pool);
  void stop() noexcept;
  std::vector<WaitingJob> take();

  const RetryPolicy policy_;
  const std::shared_ptr<Observer> next_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::multimap<Clock::time_point, WaitingJob> waiting_;  // by the time when it is due
  std::map<std::string, int> tries_;  // by id: of jobs that have failed and have not ended
  bool stopped_ = false;
};

// The thread that submits waiting jobs again, with try_submit(): a full pool is asked again after
// RetryPolicy::backoff, which is not a try; one that was shut down leaves them to stop(). To the
// pool each try is a job. A job that is cancelled while it waits is reported when it is its turn.
class Retrier {
 public:
  // The pool has to outlive it. Throws std::invalid_argument without a queue, std::system_error
  // when the thread cannot be started. One Retrier for each queue: without it jobs wait for ever.
  Retrier(std::shared_ptr<RetryQueue> queue, WorkerPool& pool);

  // Without a stop(): DROPS the jobs that wait. Blocks for a moment only.
  ~Retrier();

  // Nothing is submitted again from now on, and every error is final. Returns the jobs that were
  // waiting, in the order in which they were due. A job that fails meanwhile is either among them
  // or told to `next`, never both. Does not wait for jobs. Idempotent; later calls return nothing.
  //
  // Comes before pool.shutdown(). The other way round, it returns also the jobs that failed during
  // the shutdown and had tries left.
  [[nodiscard]] std::vector<WaitingJob> stop();

 private:
  const std::shared_ptr<RetryQueue> queue_;
  std::jthread thread_;  // last: it uses the queue, and is joined before the queue goes (WP-21)
};

}  // namespace worker_pool
