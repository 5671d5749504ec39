// RetryQueue: the jobs that failed and wait for another try, and the observer that collects them.
//
// Pass it to a WorkerPool as its observer, and to a Retrier (retrier.h), which submits its jobs
// again. Without a Retrier, as in a ResultPool or a KeyedPool, no job waits and every error is
// final.
//
//   const auto retries = std::make_shared<RetryQueue>(RetryPolicy{.tries = 3}, observer);
//   WorkerPool pool({.workers = 3}, handler, retries);
//   Retrier retrier(retries, pool);  // before the first job
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "full_pattern/retry/retry_policy.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"

namespace worker_pool {

struct WaitingJob {
  Job job{};
  JobError error{};  // of its last try. kShutDown: it did not fail, the pool stopped it
  int tries = 0;     // that have failed
};

// Passes what it observes to the user's own observer, `next`, which may be null: job_started() for
// every try, and job_finished() once, with the final result. (An observer that has to see every try
// goes beside the queue: see observe_with.h.) The final result is success, or an error that cannot
// be retried because
//   1. its kind is kCancelled or kDeadlineExceeded, so the result is no longer wanted;
//   2. the job's own context has ended, or its deadline, which is for all tries together, is before
//      the next try;
//   3. all tries are used up, `capacity` jobs are waiting already, there is no Retrier yet, or it
//      has stopped;
//   4. the job ended its worker's thread (JobError::ended_thread): each try would cost a worker;
//   5. there is no memory (std::bad_alloc) to let the job wait.
//
// An error of the kind kShutDown says nothing about the job. It does not count as a try, and the
// job is not submitted again, because its pool is closed. It waits for Retrier::stop(), which hands
// it back. If one of the other rules forbids that, `next` is notified of it like any other error.
// A handler must not return this kind while its own pool is open, such as the error of another pool
// that it uses: the job would wait for stop() without another try, and would be one of the
// `capacity` jobs. Return kFailed then.
//
// Tries are counted by job id, so two unfinished jobs with one id would share their tries. After a
// job has finished, its id may be used again and starts with no tries.
//
// Thread-safe. The pool's workers share its ownership, so an abandoned worker may report to it
// late.
class RetryQueue final : public Observer {
 public:
  // Throws std::invalid_argument if the policy is not valid or `random` is empty. `random` is for
  // tests that choose the waits. It must not throw. The queue calls it under its own lock.
  RetryQueue(RetryPolicy policy, std::shared_ptr<Observer> next,
             RandomSource random = uniform_random());

  // Neither blocks on a full pool. job_finished() copies each failed job whose result is still
  // wanted, also if it then turns out to have no try left.
  void job_started(int worker, const Job& job) override;
  void job_finished(int worker, const Job& job, const JobResult& result) override;

 private:
  friend class Retrier;

  bool attached();
  void attach() noexcept;
  bool keep(const Job& job, const JobError& error);
  void forget(const std::string& id);
  void resubmit_to(WorkerPool& pool);
  SendStatus submit_first(WorkerPool& pool);
  void stop() noexcept;
  std::vector<WaitingJob> take();

  const RetryPolicy policy_;
  const std::shared_ptr<Observer> next_;
  std::mutex mutex_;  // guards the members below
  std::condition_variable changed_;
  const RandomSource random_;
  // By the time of the next try. max(): there is none, and the job waits for stop().
  std::multimap<Clock::time_point, WaitingJob> waiting_;
  std::map<std::string, int> tries_;  // by id, of jobs that have failed and have not finished
  bool attached_ = false;             // there is a Retrier, or there was one
  bool stopped_ = false;
};

}  // namespace worker_pool
