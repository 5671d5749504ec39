// MetricsObserver: counts the results of jobs and measures how long they waited and ran, which
// WorkerPool::metrics() does not know.
//
//   const auto metrics = std::make_shared<MetricsObserver>();
//   WorkerPool pool({.workers = 3}, handler, metrics);
//   ...
//   const auto seen = metrics->snapshot();
//   std::cout << seen.queue_wait.quantile(0.99);   // of all jobs since the start
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include "full_pattern/observers/histogram.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/observer.h"

namespace worker_pool {

// For one pool, because it tells running jobs apart by the number of their worker. Needs a fixed
// amount of memory plus one time per running job. Without memory for that time, the job counts as
// never started. Thread-safe: a function blocks only while another one counts or copies.
class MetricsObserver final : public Observer {
 public:
  struct Snapshot {
    // Finished jobs, by result. The last five are the values of JobError::Kind.
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t threw = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t deadline_exceeded = 0;
    std::uint64_t shut_down = 0;

    std::size_t running = 0;  // started and not finished

    // From Job::submitted to the start, or to the completion of a job that was never started. Jobs
    // without that time are not counted here. WorkerPool sets it for every job, so with a pool
    //   queue_wait.count() == running + the number of finished jobs
    Histogram queue_wait{};
    // From start to completion. Jobs that were never started are not counted here.
    Histogram run_time{};
  };

  // `now` is for tests that control the time. Several workers may call it at once. Throws
  // std::invalid_argument if it is empty.
  explicit MetricsObserver(std::function<Clock::time_point()> now = Clock::now);

  void job_started(int worker, const Job& job) override;
  void job_finished(int worker, const Job& job, const JobResult& result) override;

  // Returns a consistent copy: it counts each event everywhere or nowhere.
  Snapshot snapshot() const;

 private:
  void count_wait(const Job& job, Clock::time_point end);
  std::uint64_t& ended_as(const JobResult& result);

  const std::function<Clock::time_point()> now_;
  mutable std::mutex mutex_;                  // guards the members below
  Snapshot seen_;                             // except `running`
  std::map<int, Clock::time_point> started_;  // by worker, for running jobs
};

}  // namespace worker_pool
