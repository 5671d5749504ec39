// Recorder: remembers when each job waited, ran and ended, for a picture of the run.
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
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/worker.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

// One job's way through the pool. What has not happened, or is not known, is nullopt.
struct JobRecord {
  std::string id{};
  int worker = 0;
  std::optional<Clock::time_point> submitted{};  // unknown without a pool: see Job::submitted
  std::optional<Clock::time_point> started{};    // not if its context had ended before
  std::optional<Clock::time_point> finished{};   // not while it runs
  JobResult result{};                            // valid once it has finished
};

struct Recording {
  Clock::time_point begin{};      // when the recorder was made
  std::vector<JobRecord> jobs{};  // first those that have finished, in that order, then the running
  std::uint64_t left_out = 0;     // jobs that finished when the recorder, or memory, was full
};

// For one pool: a worker's number stands for what it runs. Every function may be called from many
// threads at once. Memory grows with the number of jobs up
// to the limit; after that the recorder keeps what it has and counts what it leaves out.
class Recorder final : public Observer {
 public:
  explicit Recorder(std::size_t limit = 100'000) : limit_(limit) {}

  void job_started(int worker, const Job& job) override;
  void job_finished(int worker, const Job& job, const JobResult& result) override;

  // A copy of everything so far. O(jobs), under the lock that the workers take.
  Recording recording() const;

 private:
  const std::size_t limit_;  // finished jobs that are kept
  const Clock::time_point begin_ = Clock::now();
  mutable std::mutex mutex_;          // guards everything below
  std::map<int, JobRecord> running_;  // by worker
  std::vector<JobRecord> finished_;
  std::uint64_t left_out_ = 0;
};

// How many jobs wait from this moment on: those that were submitted and have not been started. They
// are in the queue, or their submit() is blocked because it is full, or a worker has just received
// them.
struct Waiting {
  Clock::time_point since{};
  std::int64_t jobs = 0;

  bool operator==(const Waiting&) const = default;
};

// Each change of that number, in order of time, one entry for each moment. Nobody had to count
// while the pool was running: every job knows when it was submitted and when it was started.
// Jobs that came back in the report wait until they were taken back.
std::vector<Waiting> waiting_jobs(const Recording& recording, const ShutdownReport& report);

// The stages of the shutdown that came, in this order: "close", "cancel", "abandon".
struct Stage {
  std::string_view name;
  Clock::time_point began;
};
std::vector<Stage> stages_of(const ShutdownReport& report);

// When the last thing happened that the two know of; `begin` when nothing did.
Clock::time_point end_of(const Recording& recording, const ShutdownReport& report);

}  // namespace worker_pool
