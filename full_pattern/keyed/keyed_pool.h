// KeyedPool: a pool that runs the jobs of one key one at a time, in the order of submission. Jobs
// of different keys run side by side.
//
//   const auto customer = [](const Job& job) { return job.id.substr(0, job.id.find('/')); };
//   KeyedPool pool({.workers = 3}, customer, handler);
//   if (pool.submit(Job{.id = "ann/order 1"}) != SendStatus::kSent) return refuse();
//   // and so on: "ann/order 2" starts once order 1 has finished or failed, and "bob/order 1" does
//   // not wait for Ann
//
// A job whose key is busy waits here, not in the pool, so it occupies no worker. When a job has
// finished, its worker passes the next job of the key on to the pool, and then takes whatever job
// is the next in the pool's queue.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

// Returns the key of a job. It must return the same key for the same job. Several threads call it
// at once: the submitting one, which gets what it throws, and a worker once the job has finished.
// If it throws there (a key of more than 15 characters may need memory), the key stays busy: its
// later jobs do not start, and shutdown() hands them back. The jobs of other keys are not affected.
// It must own what it uses: for a job that was abandoned, it may be called after the pool has been
// destroyed. (WP-13)
using KeyOf = std::function<std::string(const Job&)>;

// Thread-safe, except for the destructor. In a child process of fork(), as a WorkerPool: call
// nothing; the destructor does nothing. (WP-36)
class KeyedPool {
 public:
  // Throws as WorkerPool's constructor does, and std::invalid_argument if `key_of` is empty. With
  // an observer, job.submitted is when the job was passed on to the pool.
  KeyedPool(WorkerPool::Options options, KeyOf key_of, JobHandler handler,
            std::shared_ptr<Observer> observer = nullptr);

  // As ~WorkerPool(): without a shutdown before, drops the jobs that have not started.
  ~KeyedPool();

  KeyedPool(const KeyedPool&) = delete;
  KeyedPool& operator=(const KeyedPool&) = delete;

  // Both move from the job only if they return kSent. They may throw std::bad_alloc and what the
  // function for the keys throws; the job is then still the caller's. After kSent, the variable is
  // an empty job, without the spare memory that WorkerPool leaves in it. All keys share one
  // capacity: `capacity` jobs may wait here, and as many in the pool's queue. The queue of
  // ChannelKind::kSimple allocates memory: if there is none, a job waits here until the next one is
  // submitted, starts or finishes, or until shutdown().

  // Blocks while there is no room. Returns kSent, kClosed, or kContextEnded if the job's context
  // ends first. Do not call it in a job. (WP-22)
  [[nodiscard]] SendStatus submit(Job&& job);
  // Does not block. Returns kSent, kFull or kClosed.
  [[nodiscard]] SendStatus try_submit(Job&& job);

  // As WorkerPool::close(). The jobs that wait here still run.
  void close() noexcept;

  // As WorkerPool::shutdown(). The drain includes the jobs that wait here. Those that are left are
  // handed back after those of the pool's queue: the jobs of a key keep their order. If memory runs
  // out (std::bad_alloc), no job is lost: a second call hands them back. If there is no memory to
  // pass a job on, the drain ends for all jobs that wait here. It does not wait for jobs whose key
  // stays busy because the function for the keys threw.
  //
  // A drain without a limit may never end if job_finished() of the observer ends its thread,
  // because the job's key stays busy, or if another thread cancels the last workers while they wait
  // for a job (forced_unwind.h).
  ShutdownReport shutdown(ShutdownLimits limits = {}, std::stop_token cancel_now = {});

  // As WorkerPool::metrics(). A job that waits here is queued.
  Metrics metrics() const;

 private:
  class WaitingJobs;

  const std::shared_ptr<WaitingJobs> waiting_;  // an observer, which an abandoned worker also owns
  std::mutex shutdown_mutex_;                   // held during the whole shutdown
  std::optional<ShutdownReport> report_;        // guarded by shutdown_mutex_
  WorkerPool pool_;
};

}  // namespace worker_pool
