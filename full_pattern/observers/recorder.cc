#include "full_pattern/observers/recorder.h"

#include <mutex>
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
  // Empty if the job was never started.
  auto running = running_.extract(worker);
  ++left_out_;  // until the job is kept, which may run out of memory
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

}  // namespace worker_pool
