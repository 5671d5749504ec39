#include "full_pattern/observers/recording.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

std::vector<Waiting> waiting_jobs(const Recording& recording, const ShutdownReport& report) {
  std::map<Clock::time_point, std::int64_t> changes;
  const auto waits = [&changes](Clock::time_point from, Clock::time_point until) {
    ++changes[from];
    --changes[until];
  };
  for (const JobRecord& job : recording.jobs) {
    const auto until = job.started ? job.started : job.finished;
    if (job.submitted && until) waits(*job.submitted, *until);
  }
  for (const Job& job : report.not_started) {
    const bool known = job.submitted != Clock::time_point();
    if (known && report.cancelled_at) waits(job.submitted, *report.cancelled_at);
  }

  std::vector<Waiting> waiting;
  std::int64_t jobs = 0;
  for (const auto& [time, change] : changes) {
    if (change == 0) continue;
    jobs += change;
    waiting.push_back({time, jobs});
  }
  return waiting;
}

std::vector<Stage> stages_of(const ShutdownReport& report) {
  std::vector<Stage> stages;
  if (report.closed_at != Clock::time_point()) stages.push_back({"close", report.closed_at});
  if (report.cancelled_at) stages.push_back({"cancel", *report.cancelled_at});
  if (report.abandoned_at) stages.push_back({"abandon", *report.abandoned_at});
  return stages;
}

Clock::time_point end_of(const Recording& recording, const ShutdownReport& report) {
  Clock::time_point end = recording.begin;
  const auto include = [&end](const std::optional<Clock::time_point>& time) {
    if (time) end = std::max(end, *time);
  };
  for (const JobRecord& job : recording.jobs) {
    include(job.started);
    include(job.finished);
  }
  for (const Stage& stage : stages_of(report)) include(stage.began);
  return end;
}

}  // namespace worker_pool
