#include "step3_dispatcher/running_jobs.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace worker_pool {
namespace {

long this_process() {
#if defined(_WIN32)
  return 0;  // Windows has no fork()
#else
  return getpid();
#endif
}

std::string copy_or_unknown(const std::string& id) {
  try {
    return id;
  } catch (const std::bad_alloc&) {
    return "?";  // fits into the string object itself
  }
}

}  // namespace

RunningJobs::RunningJobs(int workers, std::shared_ptr<Observer> next)
    : process_(this_process()),
      slots_(static_cast<std::size_t>(workers)),
      next_(never_null(std::move(next))) {}

void RunningJobs::job_started(int worker, const Job& job) {
  slots_.at(index_of(worker)).set(job);
  next_->job_started(worker, job);
}

void RunningJobs::job_finished(int worker, const Job& job, const JobResult& result) {
  struct FinishAtEnd {  // a destructor, because next_ may throw
    RunningJobs& jobs;
    int worker;
    const JobResult& result;
    ~FinishAtEnd() { jobs.finish(worker, result); }
  };
  slots_.at(index_of(worker)).set(job);  // a canceled or late job has not been set yet
  const FinishAtEnd finish_at_end{*this, worker, result};
  next_->job_finished(worker, job, result);  // not under the lock: it is unknown code (WP-31)
}

std::vector<std::string> RunningJobs::ids() const {
  std::vector<std::string> ids;
  ids.reserve(workers());
  copy_ids_to(ids);
  return ids;
}

void RunningJobs::copy_ids_to(std::vector<std::string>& ids) const {
  ids.clear();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::lock_guard lock(mutex_of(i));
    if (const Job* const job = slots_[i].job) ids.push_back(copy_or_unknown(job->id));
  }
}

std::uint64_t RunningJobs::finished() const {
  const FinishedJobs sum = count_finished([] {});
  return sum.succeeded + sum.failed;
}

FinishedJobs RunningJobs::count_finished(const std::function<void()>& meanwhile) const {
  std::array<std::unique_lock<std::mutex>, kMaxLocks> locks;
  for (std::size_t i = 0; i < std::min(workers(), kMaxLocks); ++i) {
    locks[i] = std::unique_lock(mutex_of(i));
  }
  FinishedJobs sum;
  for (const Slot& slot : slots_) {
    sum.succeeded += slot.finished.succeeded;
    sum.failed += slot.finished.failed;
    sum.shut_down += slot.finished.shut_down;
  }
  meanwhile();
  return sum;
}

bool RunningJobs::on_this_thread() const {
  const auto is_here = [](const Slot& slot) {
    return slot.job != nullptr && slot.thread.load() == std::this_thread::get_id();
  };
  return std::ranges::any_of(slots_, is_here);
}

bool RunningJobs::in_forked_child() const { return this_process() != process_; }

void RunningJobs::Slot::set(const Job& running) {
  thread.store(std::this_thread::get_id(), std::memory_order_relaxed);
  job.store(&running, std::memory_order_release);
}

void RunningJobs::finish(int worker, const JobResult& result) {
  Slot& slot = slots_[index_of(worker)];
  const std::lock_guard lock(mutex_of(index_of(worker)));
  slot.job.store(nullptr, std::memory_order_relaxed);
  ++(result ? slot.finished.succeeded : slot.finished.failed);
  if (!result && result.error().kind == JobError::Kind::kShutDown) ++slot.finished.shut_down;
}

}  // namespace worker_pool
