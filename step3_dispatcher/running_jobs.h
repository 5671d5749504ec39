// RunningJobs: which job is each worker busy with right now?
//
// The shutdown needs the answer to name the jobs it had to give up on. It is an Observer in front
// of the user's own, so the worker itself knows nothing of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "step1_job/job.h"
#include "step2_worker/worker.h"

namespace worker_pool {

// Every function may be called from many threads at once.
class RunningJobs final : public Observer {
 public:
  // For workers 1 to `workers`. `next` is told everything afterwards; it may be null.
  RunningJobs(int workers, std::shared_ptr<Observer> next);

  // A job counts as running from before `next` hears that it started until after `next` was told
  // that it finished: a worker that is stuck in an observer is stuck with that job, too.
  void job_started(int worker, const Job& job) override;
  void job_finished(int worker, const Job& job, const JobResult& result) override;

  // The ids of the running jobs, in the order of their workers' numbers. O(workers).
  std::vector<std::string> ids() const;

  // How many jobs the workers are done with, of all they have received. A job that was counted does
  // not stand in ids() any more.
  std::uint64_t finished() const { return finished_; }

  // Whether the calling thread is inside one of these jobs. O(workers).
  bool on_this_thread() const;

 private:
  struct Slot {  // one for each worker, so that workers do not wait for each other here
    mutable std::mutex mutex;
    const Job* job = nullptr;  // the worker's own; valid while it stands here
    std::thread::id thread;

    void set(const Job& running);
    void clear();
  };

  Slot& slot_of(int worker) { return slots_.at(static_cast<std::size_t>(worker - 1)); }

  std::vector<Slot> slots_;
  std::atomic<std::uint64_t> finished_ = 0;
  const std::shared_ptr<Observer> next_;
};

}  // namespace worker_pool
