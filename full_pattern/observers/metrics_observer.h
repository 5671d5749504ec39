// MetricsObserver: how jobs ended and how long they took, which WorkerPool::metrics() cannot tell.
//
//   const auto metrics = std::make_shared<MetricsObserver>();
//   WorkerPool pool({.workers = 3}, handler, metrics);
//   ...
//   const auto seen = metrics->snapshot();
//   if (seen.queue_wait.quantile(0.99) > 1s) add_workers();
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include "full_pattern/observers/histogram.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/worker.h"

namespace worker_pool {

// For one pool: a worker's number stands for what it runs. Takes a fixed amount of memory, but for
// one time for each worker that is running a job. Every function may be called from many threads at
// once, and blocks only while another one counts or copies.
class MetricsObserver final : public Observer {
 public:
  struct Snapshot {
    // Jobs that workers are done with. The last four are JobError::Kind.
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t threw = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t deadline_exceeded = 0;

    std::size_t running = 0;  // started and not finished

    // From Job::submitted to the start, or to the end for a job that was never started. A job
    // without that time is not counted here. WorkerPool gives it to all of its jobs, and then
    //   queue_wait.count() == running + all that are finished
    Histogram queue_wait{};
    // From the start to the end. A job that was never started is not counted here.
    Histogram run_time{};
  };

  // `now` is called by several workers at the same time, for tests that set the time themselves.
  explicit MetricsObserver(std::function<Clock::time_point()> now = Clock::now);

  void job_started(int worker, const Job& job) override;
  void job_finished(int worker, const Job& job, const JobResult& result) override;

  // A copy of everything as it was at one moment: an event is in all of it or in none of it.
  Snapshot snapshot() const;

 private:
  void count_wait(const Job& job, Clock::time_point end);
  std::uint64_t& ended_as(const JobResult& result);

  const std::function<Clock::time_point()> now_;
  mutable std::mutex mutex_;                  // guards everything below
  Snapshot seen_;                             // but for `running`
  std::map<int, Clock::time_point> started_;  // by worker, of those that run a job
};

}  // namespace worker_pool
