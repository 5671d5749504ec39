// Recording: when each job of a run was submitted, started and finished.
//
// A Recorder (recorder.h) makes it. Reports such as trace.h and timeline.h draw it.
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

// One job. A time that is unknown, or has not come yet, is nullopt.
struct JobRecord {
  std::string id{};
  int worker = 0;
  std::optional<Clock::time_point> submitted{};  // unknown without a pool: see Job::submitted
  std::optional<Clock::time_point> started{};    // nullopt if the context had ended before
  std::optional<Clock::time_point> finished{};   // nullopt while the job runs
  JobResult result{};                            // valid once the job has finished
};

struct Recording {
  Clock::time_point begin{};      // when the recorder was constructed
  std::vector<JobRecord> jobs{};  // the finished jobs in the order of finishing, then the running
  std::uint64_t left_out = 0;     // jobs that finished when the recorder or memory was full
};

// The number of jobs that are waiting from `since` on: submitted and not started. They are in the
// queue, or their submit() is blocked by a full queue, or a worker has just received them.
struct Waiting {
  Clock::time_point since{};
  std::int64_t jobs = 0;

  bool operator==(const Waiting&) const = default;
};

// Returns each change of that number, in order of time, with one entry per point in time. It
// follows from the times of the jobs, so the running pool does not count. A job that was handed
// back in `report` waits until then. O(jobs * log(jobs)).
std::vector<Waiting> waiting_jobs(const Recording& recording, const ShutdownReport& report);

// Returns the stages that the shutdown reached, in this order: "close", "cancel", "abandon".
struct Stage {
  std::string_view name;
  Clock::time_point began;
};
std::vector<Stage> stages_of(const ShutdownReport& report);

// Returns the latest time in the two, or `begin` if nothing happened. O(jobs).
Clock::time_point end_of(const Recording& recording, const ShutdownReport& report);

}  // namespace worker_pool
