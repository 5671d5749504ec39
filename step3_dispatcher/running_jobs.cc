#include "step3_dispatcher/running_jobs.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
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
  struct ClearAtEnd {  // a destructor, because next_ may throw
    Slot& slot;
    ~ClearAtEnd() { slot.clear(); }
  };
  const ClearAtEnd clear_at_end{slot_of(worker)};
  clear_at_end.slot.set(job);  // a canceled or late job never started, so it is not set yet
  next_->job_finished(worker, job, result);
}

std::vector<std::string> RunningJobs::ids() const {
  std::vector<std::string> ids;
  ids.reserve(workers());
  copy_ids_to(ids);
  return ids;
}

void RunningJobs::copy_ids_to(std::vector<std::string>& ids) const {
  ids.clear();
  for (const Slot& slot : slots_) {
    const std::lock_guard lock(slot.mutex);
    if (const Job* const job = slot.job) ids.push_back(copy_or_unknown(job->id));
  }
}

std::uint64_t RunningJobs::finished() const {
  std::uint64_t sum = 0;
  for (const Slot& slot : slots_) {
    const std::lock_guard lock(slot.mutex);
    sum += slot.finished;
  }
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

void RunningJobs::Slot::clear() {
  const std::lock_guard lock(mutex);
  job.store(nullptr, std::memory_order_relaxed);
  ++finished;
}

}  // namespace worker_pool
