#include "full_pattern/observers/metrics_observer.h"

#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace worker_pool {

MetricsObserver::MetricsObserver(std::function<Clock::time_point()> now) : now_(std::move(now)) {
  if (!now_) throw std::invalid_argument("MetricsObserver: the clock is empty");
}

void MetricsObserver::job_started(int worker, const Job& job) {
  const Clock::time_point now = now_();
  const std::lock_guard lock(mutex_);
  started_[worker] = now;
  count_wait(job, now);
}

void MetricsObserver::job_finished(int worker, const Job& job, const JobResult& result) {
  const Clock::time_point now = now_();
  const std::lock_guard lock(mutex_);
  ++ended_as(result);
  if (const auto started = started_.extract(worker)) {
    seen_.run_time.add(now - started.mapped());
  } else {
    count_wait(job, now);
  }
}

MetricsObserver::Snapshot MetricsObserver::snapshot() const {
  const std::lock_guard lock(mutex_);
  Snapshot snapshot = seen_;
  snapshot.running = started_.size();
  return snapshot;
}

void MetricsObserver::count_wait(const Job& job, Clock::time_point end) {
  if (job.submitted != Clock::time_point()) seen_.queue_wait.add(end - job.submitted);
}

std::uint64_t& MetricsObserver::ended_as(const JobResult& result) {
  if (result) return seen_.succeeded;
  switch (result.error().kind) {
    case JobError::Kind::kFailed:
      return seen_.failed;
    case JobError::Kind::kThrew:
      return seen_.threw;
    case JobError::Kind::kCancelled:
      return seen_.cancelled;
    case JobError::Kind::kDeadlineExceeded:
      return seen_.deadline_exceeded;
    case JobError::Kind::kShutDown:
      return seen_.shut_down;
  }
  return seen_.failed;  // reached only by a value that is not a kind
}

}  // namespace worker_pool
