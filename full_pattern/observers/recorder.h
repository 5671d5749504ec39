// Recorder: an observer that records when each job waited, ran and finished.
//
//   const auto recorder = std::make_shared<Recorder>();
//   WorkerPool pool(options, handler, recorder);
//   ... submit ...
//   const ShutdownReport report = pool.shutdown();
//   write_trace(file, recorder->recording(), report);                     // trace.h
//   std::cout << timeline(recorder->recording(), report, 80);             // timeline.h
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "full_pattern/observers/recording.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/observer.h"

namespace worker_pool {

// For one pool, because it tells running jobs apart by the number of their worker. Thread-safe.
// Memory grows with the number of jobs up to `limit`. After that, the recorder keeps what it has
// and only counts further jobs.
class Recorder final : public Observer {
 public:
  explicit Recorder(std::size_t limit = 100'000) : limit_(limit) {}

  void job_started(int worker, const Job& job) override;
  void job_finished(int worker, const Job& job, const JobResult& result) override;

  // Returns a copy of everything so far. O(jobs), under the lock that the workers take.
  Recording recording() const;

 private:
  const std::size_t limit_;  // of the finished jobs that are kept
  const Clock::time_point begin_ = Clock::now();
  mutable std::mutex mutex_;          // guards the members below
  std::map<int, JobRecord> running_;  // by worker
  std::vector<JobRecord> finished_;
  std::uint64_t left_out_ = 0;
};

}  // namespace worker_pool
