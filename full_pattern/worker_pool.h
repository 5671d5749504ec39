// WorkerPool: the four steps as one class, to be used as a member of a service.
//
//   WorkerPool pool({.workers = 3, .capacity = 100}, handler, observer);
//   if (pool.submit(std::move(job)) != SendStatus::kSent) refuse(job);     // still ours
//   const ShutdownReport report = pool.shutdown({.drain = 5s, .cancel = 1s});
//
// The pool guarantees:
//   1. It accepts jobs until close() or shutdown() is called. A refused job stays the caller's.
//   2. It runs each accepted job at most once.
//   3. It accounts for each accepted job: the observer sees it finish, or the shutdown report lists
//      it as not started or still running. Only a pool that is destroyed without shutdown() drops
//      jobs.
//   4. It does not replace a worker whose thread was ended by a job: forced_unwind.h.
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

// A consistent snapshot of a pool, except for `rejected` and `blocked_submits`, which are counted
// separately. Always
//   submitted == succeeded + failed + not_started + queued + running
// and after a shutdown that did not abandon a worker, queued and running are 0.
struct Metrics {
  std::uint64_t submitted = 0;  // accepted
  // Refused: the pool was full or closed, or a context had ended. A job counts each time.
  std::uint64_t rejected = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;  // finished with a JobError of any kind
  // Of these, the ones with kShutDown. A handler that stops early because of a shutdown returns it.
  std::uint64_t shut_down = 0;
  std::uint64_t not_started = 0;  // handed back in the shutdown report
  std::size_t queued = 0;
  // Received by a worker and not finished. A job has finished once its observer has returned from
  // job_finished(), also in the shutdown report. So an observer sees its own job as running.
  std::size_t running = 0;
  std::size_t blocked_submits = 0;  // threads that wait for room
};

// The queue between submit() and the workers. Both kinds give the same guarantees.
enum class ChannelKind {
  kSimple,  // of step 2, written to be read
  kFast,    // fast_channel.h: costs less per job, and gives memory back to the submitting threads;
            // not for threads with real-time priorities
};

// Thread-safe, except for the destructor. In a child process of fork(), which has none of the
// workers' threads, call nothing: shutdown() throws std::logic_error there, the destructor does
// nothing, and any other function may block forever. (WP-36)
class WorkerPool {
 public:
  struct Options {
    int workers = 3;             // as in the lessons; choose your own number (pool_size/README.md)
    std::size_t capacity = 100;  // of the queue; running jobs do not count
    ChannelKind channel = ChannelKind::kFast;
  };

  // Starts the workers. Each worker has a copy of the handler; the observer is shared and may be
  // null. Throws as start_workers() does: std::invalid_argument if workers is not from 1 to
  // kMaxWorkers, the capacity is 0 (or, of a fast channel, above kMaxFastCapacity) or the handler
  // is empty, std::system_error if a thread cannot be started, std::bad_alloc, and what a copy of
  // the handler throws. Throws std::invalid_argument also if the channel is not a ChannelKind.
  WorkerPool(Options options, JobHandler handler, std::shared_ptr<Observer> observer = nullptr);

  // After shutdown(), returns at once. Otherwise closes the pool, DROPS the queued jobs, cancels
  // the running jobs, and joins the threads, which blocks without a time limit until their handlers
  // return. To keep the jobs or to limit the time, call shutdown() first. (WP-14)
  // If one of the pool's own jobs runs the destructor, the program ends with a message.
  ~WorkerPool();

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // All three move from the job only if they return kSent. The variable is then an empty job, which
  // may own the memory of an earlier one: fill it again, and the next submit allocates nothing. In
  // a pool with an observer they first set job.submitted to the current time, even if the job is
  // then refused, so that the observer knows how long the job waited. The job's own context ends
  // only the wait for room, with kContextEnded. A job whose context has ended is still accepted if
  // there is room, and a worker reports it. Each may throw std::bad_alloc: the job is then still
  // the caller's, and is not counted as rejected.

  // Blocks while the queue is full. Returns kSent, kClosed or kContextEnded. If `ctx` has ended
  // before the call, refuses the job even if there is room. Do not call it in a job: if all workers
  // wait for room in their own queue, the pool deadlocks. Use try_submit() there. (WP-22)
  [[nodiscard]] SendStatus submit(Job&& job, const Context& ctx = {});
  // Does not wait for room. Returns kSent, kFull or kClosed.
  [[nodiscard]] SendStatus try_submit(Job&& job);
  // Blocks while the queue is full, but not longer than `timeout`. Returns kSent, kFull, kClosed or
  // kContextEnded.
  [[nodiscard]] SendStatus submit_for(Job&& job, Clock::duration timeout);

  // Stops accepting jobs; a blocked submit() returns kClosed. Queued jobs still run. Idempotent,
  // and does not block. For a thread that ends the input while another one calls shutdown().
  void close() noexcept { workers_.jobs.close(); }

  // Drains, then cancels, then abandons, as worker_pool::shutdown() of step 4 does. Idempotent: the
  // first call sets the limits and `cancel_now`. Later and concurrent calls block until the
  // shutdown has finished and return the same report without the jobs: they belong to the caller
  // that got them first, and are not copied. In one of the pool's own jobs, it throws
  // std::logic_error and does nothing else. pthread_cancel() must not end the calling thread
  // meanwhile: forced_unwind.h.
  ShutdownReport shutdown(ShutdownLimits limits = {}, std::stop_token cancel_now = {});

  // Throws the std::logic_error that shutdown() would throw. For a class that does something else
  // before it calls shutdown().
  void check_may_shut_down() const;

  // Whether this is a child process of fork(). For a class whose destructor takes a lock: it must
  // not do so there. Takes none itself. (WP-36)
  bool in_forked_child() const { return workers_.running->in_forked_child(); }

  // Waits until the workers have counted the jobs that are ending just now. So a thread with a
  // higher real-time priority than the workers must call neither this nor shutdown().
  Metrics metrics() const;

 private:
  void stamp(Job& job) const;
  SendStatus settled(SendStatus status, Job& job);

  // The workers own what they use through shared_ptr, so an abandoned worker uses no member, unless
  // its handler does. `workers_` is last, so its threads are joined before the other members are
  // destroyed. (WP-21)
  const bool observed_;
  std::atomic<std::uint64_t> rejected_ = 0;
  std::mutex shutdown_mutex_;             // held during the whole shutdown
  std::optional<ShutdownReport> report_;  // guarded by shutdown_mutex_ (WP-08)
  Workers workers_;
};

// Returns a copy of the report, and moves the jobs to it: they belong to the first caller. If it
// throws (std::bad_alloc), `kept` is unchanged. For a class with a shutdown of its own.
ShutdownReport hand_over(ShutdownReport& kept);

}  // namespace worker_pool
