// Recording: when each job of a run was submitted, started and finished.
//
//   const Recording run = recorder->recording();           // made by a Recorder: see recorder.h
//   for (const JobRecord& job : run.jobs) std::cout << job.id << "\n";
//   for (const Waiting& now : waiting_jobs(run, report)) plot(now.since, now.jobs);
//
// Plain data, without a lock or a pool. Reports such as full_pattern/reports/timeline.h draw it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

// One job. A time is nullopt if it is unknown, or if that event has not happened.
struct JobRecord {
  std::string id{};
  int worker = 0;
  std::optional<Clock::time_point> submitted{};  // nullopt without a pool: see Job::submitted
  std::optional<Clock::time_point> started{};    // nullopt if the job was never started, or there
                                                 // was no memory to note it
  std::optional<Clock::time_point> finished{};   // nullopt while the job runs
  JobResult result{};                            // valid once the job has finished
};

struct Recording {
  Clock::time_point begin{};      // when the recorder was constructed
  std::vector<JobRecord> jobs{};  // finished jobs in the order of completion, then running ones
  std::uint64_t left_out = 0;     // jobs that finished when the recorder or the memory was full
};

// From `since` on, `jobs` jobs are waiting: submitted, but not started. Such a job is in the queue,
// or its submit() is blocked by a full queue, or a worker has just received it.
struct Waiting {
  Clock::time_point since{};
  std::int64_t jobs = 0;

  bool operator==(const Waiting&) const = default;
};

// Returns each change of that number, in order of time, with one entry per point in time. The
// numbers are computed from the times of the jobs, so the pool need not count while it runs. A job
// that the shutdown handed back waits until the cancel stage. Jobs that are in no record count as
// not waiting: those that are left out, and, in a recording of a pool that runs, those in its
// queue. O(jobs * log(jobs)).
std::vector<Waiting> waiting_jobs(const Recording& recording, const ShutdownReport& report);

// Returns the stages that the shutdown reached, in this order: "close", "cancel", "abandon".
struct Stage {
  std::string_view name;
  Clock::time_point began;
};
std::vector<Stage> stages_of(const ShutdownReport& report);

// Returns the time of the last event (a start, a completion or a stage of the shutdown), or `begin`
// if there was none. O(jobs).
Clock::time_point end_of(const Recording& recording, const ShutdownReport& report);

}  // namespace worker_pool
