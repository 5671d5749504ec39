// WorkerPool: the four steps as one class, ready to be a member of a service.
//
//   WorkerPool pool({.workers = 3, .capacity = 100}, handler, observer);
//   if (pool.submit(std::move(job)) != SendStatus::kSent) refuse(job);     // still ours
//   const ShutdownReport report = pool.shutdown({.drain = 5s, .cancel = 1s});
//
// The pool accepts jobs until shutdown() begins, runs each accepted job at most once, and accounts
// for every one of them: its end is reported to the observer, or the shutdown report has it. (Only
// a pool that is destroyed without a shutdown() drops jobs.)
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/worker.h"
#include "step3_dispatcher/dispatcher.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

// A look at a pool, consistent but for `rejected`, which is counted apart. At every moment
//   submitted == succeeded + failed + not_started + queued + running
// and after a shutdown that abandoned nobody, queued and running are 0.
struct Metrics {
  std::uint64_t submitted = 0;  // accepted
  std::uint64_t rejected = 0;   // refused: full or closed; still the caller's
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;       // every JobError: failed, threw, and cancelled or late
  std::uint64_t not_started = 0;  // came back in the shutdown report
  std::size_t queued = 0;
  std::size_t running = 0;  // with a worker
};

// The queue between submit() and the workers. Both keep the same promises.
enum class ChannelKind {
  kSimple,  // step 2's, which can be read in five minutes; until a measurement says otherwise
  kFast,    // fast_channel.h: for jobs so short that the queue is what they cost
};

// Every function but the destructor may be called from many threads at once.
class WorkerPool {
 public:
  struct Options {
    int workers = 3;
    std::size_t capacity = 100;  // jobs that wait; those that run are not counted
    ChannelKind channel = ChannelKind::kSimple;
  };

  // Starts the workers. The handler is copied for each of them; the observer is shared and may be
  // null. Throws as start_workers() does: std::invalid_argument for fewer than one worker, a
  // capacity of 0 or an empty handler, std::system_error when a thread cannot be started.
  WorkerPool(Options options, JobHandler handler, std::shared_ptr<Observer> observer = nullptr);

  // After a shutdown(): returns at once. Without one: closes, DROPS the jobs that were never
  // started, cancels those that run and joins the threads. So it blocks until the running handlers
  // return, without a limit. Whoever cares for the jobs or the time calls shutdown() first. (WP-14)
  // Must not run inside one of the pool's own jobs: ends the program with a message.
  ~WorkerPool();

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Each of the three moves from the job only when it returns kSent. With an observer they note the
  // time in job.submitted first, also in a job that is then refused, so that the observer can tell
  // how long the job waited.

  // Blocks while the queue is full. kSent or kClosed. Not for use inside a job: when every worker
  // waits for room in the queue, none is left to make any. There, use try_submit(). (WP-22)
  [[nodiscard]] SendStatus submit(Job&& job);
  // Never blocks for room. kSent, kFull or kClosed.
  [[nodiscard]] SendStatus try_submit(Job&& job);
  // Blocks while the queue is full, for `timeout` at most. kSent, kFull or kClosed.
  [[nodiscard]] SendStatus submit_for(Job&& job, Clock::duration timeout);

  // No more jobs are accepted; a submit() that is blocked gets kClosed. What is queued is still
  // done. Idempotent; does not block. For whoever wants to say "enough" and is not the one who
  // waits for the end in shutdown().
  void close() noexcept { workers_.jobs.close(); }

  // Drains, then cancels, then abandons, as worker_pool::shutdown() does (step 4), with the limits
  // and the `cancel_now` of the first call. Idempotent: later and concurrent calls get a copy of
  // the same report, when it is there, so only one caller should submit its jobs again elsewhere.
  // Called by one of the pool's own jobs: throws std::logic_error, nothing happens.
  ShutdownReport shutdown(ShutdownLimits limits = {}, std::stop_token cancel_now = {});

  Metrics metrics() const;

 private:
  class Tally;

  void stamp(Job& job) const;
  SendStatus counted(SendStatus status);

  // The workers use what they need through shared_ptr, so nothing here is touched by a worker that
  // was abandoned, unless its handler does so. `workers_` is last: on the way out its threads are
  // joined before the rest goes. (WP-21)
  const bool observed_;
  const std::shared_ptr<Tally> tally_;
  std::atomic<std::uint64_t> rejected_ = 0;
  std::mutex shutdown_mutex_;             // held for a whole shutdown: the others wait for it
  std::optional<ShutdownReport> report_;  // guarded by shutdown_mutex_ (WP-08)
  Workers workers_;
};

}  // namespace worker_pool
