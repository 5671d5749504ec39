#include "full_pattern/retry/retry_queue.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "full_pattern/retry/retry_policy.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"

namespace worker_pool {
namespace {

constexpr Clock::time_point kNever = Clock::time_point::max();

bool result_is_wanted(const Job& job, const JobError& error) {
  const bool unwanted =
      error.kind == JobError::Kind::kCancelled || error.kind == JobError::Kind::kDeadlineExceeded;
  return !unwanted && !job.ctx.err();
}

bool may_be_retried(const Job& job, const JobError& error) {
  return !error.ended_thread && result_is_wanted(job, error);
}

bool ends_before(const Context& ctx, Clock::time_point time) {
  const bool has_deadline = ctx.deadline() != kNever;
  return has_deadline && ctx.deadline() <= time;
}

}  // namespace

RetryQueue::RetryQueue(RetryPolicy policy, std::shared_ptr<Observer> next, RandomSource random)
    : policy_(checked(policy)), next_(never_null(std::move(next))), random_(std::move(random)) {
  if (!random_) throw std::invalid_argument("RetryQueue: the source of random numbers is empty");
}

void RetryQueue::job_started(int worker, const Job& job) { next_->job_started(worker, job); }

void RetryQueue::job_finished(int worker, const Job& job, const JobResult& result) {
  if (!result && may_be_retried(job, result.error())) {
    try {
      if (keep(job, result.error())) return;
    } catch (const std::bad_alloc&) {  // without memory to wait in, this error is final
    }
  }
  forget(job.id);
  next_->job_finished(worker, job, result);
}

bool RetryQueue::attached() {
  const std::lock_guard lock(mutex_);
  return attached_;
}

void RetryQueue::attach() noexcept {
  const std::lock_guard lock(mutex_);
  attached_ = true;
}

// Returns false if the job is not to wait. The caller then has to forget it.
bool RetryQueue::keep(const Job& job, const JobError& error) {
  const bool failed = error.kind != JobError::Kind::kShutDown;
  WaitingJob waiting{job, error};  // copied before locking, because a payload may be large

  const std::lock_guard lock(mutex_);
  int& tries = tries_[job.id];
  if (failed) ++tries;
  waiting.tries = tries;
  if (!attached_ || stopped_) return false;
  if (tries >= policy_.tries || waiting_.size() >= policy_.capacity) return false;
  Clock::time_point due = kNever;
  if (failed) {
    due = deadline_after(wait_before(policy_, tries + 1, random_()));
    if (ends_before(job.ctx, due)) return false;
  }
  waiting_.emplace(due, std::move(waiting));
  changed_.notify_one();
  return true;
}

void RetryQueue::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  tries_.erase(id);
}

// Releases the lock only while it waits. So whenever stop() gets the lock, each job is either in
// `waiting_` or in the pool, and after stop() the pool is no longer used. (WP-46)
void RetryQueue::resubmit_to(WorkerPool& pool) {
  Clock::time_point room_again = Clock::time_point::min();
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const Clock::time_point due =
        waiting_.empty() ? kNever : std::max(waiting_.begin()->first, room_again);
    if (due == kNever) {
      changed_.wait(lock);  // not wait_until(max()): some libraries overflow
      continue;
    }
    if (Clock::now() < due) {
      changed_.wait_until(lock, due);
      continue;
    }
    const SendStatus status = submit_first(pool);
    if (status == SendStatus::kClosed) return;
    // Waiting also releases the lock, which the workers need to finish their jobs and make room.
    if (status == SendStatus::kFull) room_again = deadline_after(policy_.backoff);
  }
}

SendStatus RetryQueue::submit_first(WorkerPool& pool) {
  const auto first = waiting_.begin();
  try {
    const SendStatus status = pool.try_submit(std::move(first->second.job));
    if (status == SendStatus::kSent) waiting_.erase(first);  // otherwise the job was not moved
    return status;
  } catch (const std::bad_alloc&) {
    return SendStatus::kFull;
  }
}

void RetryQueue::stop() noexcept {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_one();
}

std::vector<WaitingJob> RetryQueue::take() {
  std::vector<WaitingJob> jobs;
  const std::lock_guard lock(mutex_);
  jobs.reserve(waiting_.size());  // if this throws, no job has been moved
  for (auto& [due, waiting] : waiting_) jobs.push_back(std::move(waiting));
  waiting_.clear();
  return jobs;
}

}  // namespace worker_pool
