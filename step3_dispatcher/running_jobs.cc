#include "step3_dispatcher/running_jobs.h"

#include <algorithm>
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
  slot_of(worker).set(job);
  next_->job_started(worker, job);
}

void RunningJobs::job_finished(int worker, const Job& job, const JobResult& result) {
  struct FinishAtEnd {  // a destructor, because next_ may throw
    RunningJobs& jobs;
    Slot& slot;
    const JobResult& result;
    ~FinishAtEnd() { jobs.finish(slot, result); }
  };
  Slot& slot = slot_of(worker);
  if (slot.job.load(std::memory_order_relaxed) != &job) slot.set(job);  // it never started
  const FinishAtEnd finish_at_end{*this, slot, result};
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
  const Freeze freeze(*this);
  for (const Slot& slot : slots_) {
    if (const Job* const job = slot.job) ids.push_back(copy_or_unknown(job->id));
  }
}

std::uint64_t RunningJobs::finished() const {
  const FinishedJobs sum = count_finished([] {});
  return sum.succeeded + sum.failed;
}

FinishedJobs RunningJobs::count_finished(const std::function<void()>& meanwhile) const {
  const Freeze freeze(*this);
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

void RunningJobs::Slot::count(const JobResult& result) {
  job.store(nullptr, std::memory_order_relaxed);
  ++(result ? finished.succeeded : finished.failed);
  if (!result && result.error().kind == JobError::Kind::kShutDown) ++finished.shut_down;
}

// Costs one atomic read-modify-write if there is no reader. A mutex costs two.
void RunningJobs::finish(Slot& slot, const JobResult& result) {
  if (slot.taken.exchange(true, std::memory_order_acquire)) {
    const std::lock_guard lock(readers_);  // now the reader has given the slot back
    return slot.count(result);
  }
  slot.count(result);
  slot.taken.store(false, std::memory_order_release);
}

RunningJobs::Freeze::Freeze(const RunningJobs& jobs) : lock_(jobs.readers_), slots_(jobs.slots_) {
  for (const Slot& slot : slots_) {
    while (slot.taken.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
  }
}

RunningJobs::Freeze::~Freeze() {
  for (const Slot& slot : slots_) slot.taken.store(false, std::memory_order_release);
}

}  // namespace worker_pool
