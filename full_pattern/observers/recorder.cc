#include "full_pattern/observers/recorder.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace worker_pool {
namespace {

JobRecord record_of(int worker, const Job& job) {
  JobRecord record{.id = job.id, .worker = worker};
  if (job.submitted != Clock::time_point()) record.submitted = job.submitted;
  return record;
}

}  // namespace

void Recorder::job_started(int worker, const Job& job) {
  JobRecord record = record_of(worker, job);
  record.started = Clock::now();
  const std::lock_guard lock(mutex_);
  running_.insert_or_assign(worker, std::move(record));
}

void Recorder::job_finished(int worker, const Job& job, const JobResult& result) {
  const Clock::time_point now = Clock::now();
  const std::lock_guard lock(mutex_);
  // A job that was never started is not among the running.
  auto running = running_.extract(worker);
  ++left_out_;  // until it is kept, for which memory may be missing
  if (finished_.size() >= limit_) return;
  JobRecord record = running.empty() ? record_of(worker, job) : std::move(running.mapped());
  record.finished = now;
  record.result = result;
  finished_.push_back(std::move(record));
  --left_out_;
}

Recording Recorder::recording() const {
  const std::lock_guard lock(mutex_);
  Recording recording{.begin = begin_, .jobs = finished_, .left_out = left_out_};
  for (const auto& [worker, record] : running_) recording.jobs.push_back(record);
  return recording;
}

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
  const auto look_at = [&end](const std::optional<Clock::time_point>& time) {
    if (time) end = std::max(end, *time);
  };
  for (const JobRecord& job : recording.jobs) {
    look_at(job.started);
    look_at(job.finished);
  }
  for (const Stage& stage : stages_of(report)) look_at(stage.began);
  return end;
}

}  // namespace worker_pool
