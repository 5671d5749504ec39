#include "full_pattern/retry/retrier.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/worker.h"

namespace worker_pool {
namespace {

RetryPolicy checked(RetryPolicy policy) {
  const auto demand = [](bool holds, const std::string& what) {
    if (!holds) throw std::invalid_argument("RetryPolicy: " + what);
  };
  demand(policy.tries >= 1, "tries is " + std::to_string(policy.tries) + ", it must be at least 1");
  demand(policy.backoff >= std::chrono::milliseconds(1),
         "backoff is " + std::to_string(policy.backoff.count()) + " ns, it must be at least 1 ms");
  demand(policy.longest >= policy.backoff, "longest is less than backoff, it must not be");
  demand(policy.capacity >= 1, "capacity is 0, it must be at least 1");
  return policy;
}

bool another_try_may_help(const Job& job, const JobError& error) {
  const bool failed = error.kind == JobError::Kind::kFailed || error.kind == JobError::Kind::kThrew;
  return failed && !job.ctx.err();
}

}  // namespace

Clock::duration backoff_before(const RetryPolicy& policy, int which_try) {
  if (which_try <= 1) return Clock::duration::zero();
  Clock::duration backoff = policy.backoff;
  for (int i = 2; i < which_try && backoff < policy.longest; ++i) {
    backoff += std::min(backoff, policy.longest - backoff);  // doubles, up to `longest`
  }
  return backoff;
}

RetryQueue::RetryQueue(RetryPolicy policy, std::shared_ptr<Observer> next)
    : policy_(checked(policy)), next_(never_null(std::move(next))) {}

void RetryQueue::job_started(int worker, const Job& job) { next_->job_started(worker, job); }

void RetryQueue::job_finished(int worker, const Job& job, const JobResult& result) {
  if (!result && another_try_may_help(job, result.error())) {
    try {
      if (keep(job, result.error())) return;
    } catch (const std::bad_alloc&) {  // no room to wait in: this error is final, too
    }
  }
  forget(job.id);
  next_->job_finished(worker, job, result);
}

// False: there is no other try, and whoever asked has to forget the job.
bool RetryQueue::keep(const Job& job, const JobError& error) {
  WaitingJob waiting{job, error};  // before the lock: a payload may be large

  const std::lock_guard lock(mutex_);
  waiting.tries = ++tries_[job.id];
  if (stopped_ || waiting.tries >= policy_.tries || waiting_.size() >= policy_.capacity) {
    return false;
  }
  const Clock::time_point due = deadline_after(backoff_before(policy_, waiting.tries + 1));
  if (job.ctx.deadline() <= due) return false;
  waiting_.emplace(due, std::move(waiting));
  changed_.notify_one();
  return true;
}

void RetryQueue::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  tries_.erase(id);
}

// The lock is given up in the waits only. So a job is in `waiting_` or in the pool at any moment
// that stop() can see, and after stop() the pool is not touched any more.
void RetryQueue::resubmit_to(WorkerPool& pool) {
  Clock::time_point room_again = Clock::time_point::min();
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (waiting_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const Clock::time_point due = std::max(waiting_.begin()->first, room_again);
    if (Clock::now() < due) {
      changed_.wait_until(lock, due);
      continue;
    }
    const SendStatus status = submit_first(pool);
    if (status == SendStatus::kClosed) return;
    // A wait, also for the sake of the workers: they need the lock to end their jobs and make room.
    if (status == SendStatus::kFull) room_again = deadline_after(policy_.backoff);
  }
}

SendStatus RetryQueue::submit_first(WorkerPool& pool) {
  const auto first = waiting_.begin();
  try {
    const SendStatus status = pool.try_submit(std::move(first->second.job));
    if (status == SendStatus::kSent) waiting_.erase(first);  // otherwise nothing was moved
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
  jobs.reserve(waiting_.size());  // if this throws, they are all still here
  for (auto& [due, waiting] : waiting_) jobs.push_back(std::move(waiting));
  waiting_.clear();
  return jobs;
}

Retrier::Retrier(std::shared_ptr<RetryQueue> queue, WorkerPool& pool) : queue_(std::move(queue)) {
  if (!queue_) throw std::invalid_argument("Retrier: the queue is null");
  thread_ = std::jthread([this, &pool] { queue_->resubmit_to(pool); });
}

Retrier::~Retrier() { queue_->stop(); }  // and the thread, which has nothing to wait for, is joined

std::vector<WaitingJob> Retrier::stop() {
  queue_->stop();  // first: afterwards no job comes, and none goes back to the pool
  return queue_->take();
}

}  // namespace worker_pool
