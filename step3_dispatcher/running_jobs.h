// RunningJobs: which job is each worker running now, and how many have finished?
//
//   const auto running = std::make_shared<RunningJobs>(3, observer);
//   for (int id = 1; id <= 3; ++id) start(id, running);  // each worker reports to `running`
//   for (const std::string& id : running->ids()) log(id + " is still running");
//
// The shutdown of step 4 needs this to name the jobs that it abandons. RunningJobs is an Observer
// in front of the user's own, so the worker does not know about it. It also counts, because one
// locked step for each job serves both.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "step1_job/job.h"
#include "step2_worker/worker.h"
#include "step3_dispatcher/cache_line.h"

namespace worker_pool {

// The jobs that have finished, including those that ended before they started.
struct FinishedJobs {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;     // with a JobError of any kind
  std::uint64_t shut_down = 0;  // of these, the ones with kShutDown
};

// Every function may be called from any thread at any time. But a thread with a higher real-time
// priority than the workers must not read: it yields until a worker has counted, and might keep
// that worker from running.
class RunningJobs final : public Observer {
 public:
  // For workers 1 to `workers`. Passes each event on to `next`, which may be null.
  RunningJobs(int workers, std::shared_ptr<Observer> next);

  // A job counts as running from before next->job_started() until after next->job_finished(), so
  // a worker that is stuck in an observer still counts.
  void job_started(int worker, const Job& job) override;
  void job_finished(int worker, const Job& job, const JobResult& result) override;

  // The ids of the running jobs, in the order of their workers' numbers. O(workers).
  std::vector<std::string> ids() const;
  // The same, in place of what `ids` holds. Needs no memory if ids.capacity() >= workers(): an id
  // that cannot be copied is "?".
  void copy_ids_to(std::vector<std::string>& ids) const;

  std::size_t workers() const { return slots_.size(); }

  // How many jobs have finished, including those that ended before they started. A counted job is
  // no longer in ids(), so read finished() first to compare the two. O(workers).
  std::uint64_t finished() const;
  // The same by result, and calls `meanwhile`, during which no job finishes. It must not block, nor
  // use this object. O(workers).
  FinishedJobs count_finished(const std::function<void()>& meanwhile) const;

  // Whether the calling thread is inside one of these jobs. O(workers), without a lock.
  bool on_this_thread() const;

  // Whether this is a child process of fork(). It has none of the workers' threads, and the locks
  // are as those threads left them, so it must call nothing else. (WP-36) Compares the numbers of
  // the processes, so it does not notice process 1 of a new namespace in a child of a process 1.
  bool in_forked_child() const;

 private:
  // One for each worker, on cache lines of its own: only a reader blocks or slows a worker.
  struct alignas(kCacheLine) Slot {
    // Owned by the worker, which sets it at any time and clears it while it has taken the slot. So
    // a reader that has taken the slot may use the job: it is not destroyed yet.
    std::atomic<const Job*> job = nullptr;
    std::atomic<std::thread::id> thread{};
    // A lock. A worker takes its own slot, for a few instructions. A reader takes all slots, and
    // holds readers_ as long: a worker whose slot is taken waits for readers_ instead.
    mutable std::atomic<bool> taken = false;
    FinishedJobs finished;  // guarded by that lock

    void set(const Job& running);
    void count(const JobResult& result);
  };

  // Takes all slots. While it exists, no job finishes.
  class Freeze {
   public:
    explicit Freeze(const RunningJobs& jobs);
    ~Freeze();
    Freeze(const Freeze&) = delete;
    Freeze& operator=(const Freeze&) = delete;

   private:
    const std::lock_guard<std::mutex> lock_;
    const std::vector<Slot>& slots_;
  };

  Slot& slot_of(int worker) { return slots_.at(static_cast<std::size_t>(worker - 1)); }
  void finish(Slot& slot, const JobResult& result);

  const long process_;          // that started the workers
  mutable std::mutex readers_;  // see Slot::taken
  std::vector<Slot> slots_;
  const std::shared_ptr<Observer> next_;
};

}  // namespace worker_pool
