#include "step3_dispatcher/running_jobs.h"

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
    std::atomic<std::uint64_t>& finished;
    ~ClearAtEnd() {
      slot.clear();
      ++finished;  // after clear(), as finished() promises
    }
  };
  const ClearAtEnd clear_at_end{slot_of(worker), finished_};
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
    if (slot.job != nullptr) ids.push_back(copy_or_unknown(slot.job->id));
  }
}

bool RunningJobs::on_this_thread() const {
  for (const Slot& slot : slots_) {
    const std::lock_guard lock(slot.mutex);
    if (slot.job != nullptr && slot.thread == std::this_thread::get_id()) return true;
  }
  return false;
}

bool RunningJobs::in_forked_child() const { return this_process() != process_; }

void RunningJobs::Slot::set(const Job& running) {
  const std::lock_guard lock(mutex);
  job = &running;
  thread = std::this_thread::get_id();
}

void RunningJobs::Slot::clear() {
  const std::lock_guard lock(mutex);
  job = nullptr;
}

}  // namespace worker_pool
