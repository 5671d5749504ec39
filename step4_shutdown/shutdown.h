// Graceful shutdown within time limits: drain, then cancel, then abandon.
//
//   const ShutdownReport report = shutdown(workers, {.drain = 5s, .cancel = 1s});
//   for (const Job& job : report.not_started) put_back(job);
//   if (report.outcome == ShutdownOutcome::kAbandoned) exit_without_destructors(3);  // exit.h
//
//   close      accept no more jobs
//   drain      let the workers finish what is queued, within the first limit
//   cancel     take back the jobs that no worker received, ask the running ones to stop, and wait
//              for them within the second limit. Their contexts end with the reason kShutDown. A
//              job that a worker has just received still starts, with its context ended
//   abandon    detach the threads that are still busy, and report their jobs by id
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step3_dispatcher/dispatcher.h"

namespace worker_pool {

// How long each stage may wait. 0 or less: no wait. kForever: no limit.
struct ShutdownLimits {
  Clock::duration drain = std::chrono::seconds(5);
  Clock::duration cancel = std::chrono::seconds(1);
};

enum class ShutdownOutcome {
  kDrained,    // all remaining jobs finished by themselves; every thread was joined
  kCancelled,  // unfinished jobs were canceled or handed back; every thread was joined
  kAbandoned,  // some threads did not exit in time: they still run, detached
};

constexpr std::string_view to_string(ShutdownOutcome outcome) {
  switch (outcome) {
    case ShutdownOutcome::kDrained:
      return "drained";
    case ShutdownOutcome::kCancelled:
      return "cancelled";
    case ShutdownOutcome::kAbandoned:
      return "abandoned";
  }
  return "unknown";
}

// What became of the jobs. Every accepted job is accounted for: its result went to the observer, or
// it is in one of these lists.
struct ShutdownReport {
  ShutdownOutcome outcome = ShutdownOutcome::kDrained;
  std::vector<Job> not_started{};  // handed back untouched, in the order in which they were sent
  // The ids of the jobs on abandoned threads. A job whose worker's observer has not returned from
  // job_finished() counts as running: Metrics has the same rule. "?" stands for a job whose id is
  // not known: its worker has received it but not started it in time (it may still start), or there
  // was no memory to copy the id.
  std::vector<std::string> still_running{};
  // When each stage began, if it did. The cancel begins once the queued jobs are taken back, and
  // only if a job is running or was handed back.
  Clock::time_point closed_at{};
  std::optional<Clock::time_point> cancelled_at{};
  std::optional<Clock::time_point> abandoned_at{};
};

// Shuts the workers down and reports what became of their jobs. (WP-14)
//
// 1. Blocks for at most limits.drain + limits.cancel + 100 ms + 5 ms for each worker, whatever the
//    handlers do, with the exceptions below. The time beyond the limits is for workers that
//    are about to leave. So the sum has to fit into the grace period of the platform (WP-47). A
//    stop request on `cancel_now` ends the drain at once; connect it to a second Ctrl-C.
// 2. A job that is handed back has not started and never will. No error loses one: if memory runs
//    out (std::bad_alloc), the jobs are still queued, and a second call hands them back.
//    pthread_cancel() must not end the calling thread meanwhile: forced_unwind.h.
// 3. Other threads may go on sending to workers.jobs; they get kClosed and keep their jobs.
// 4. Afterwards workers.threads is empty, workers.jobs is closed, and leaving the scope does not
//    block. workers.group counts the abandoned threads until they leave: workers, and the thread
//    that requests the stop if a stop callback blocks it.
// 5. May be called again, one call at a time. The outcome of a later call only covers what was left
//    when it began, not threads that were abandoned before. It hands back no job. It waits again
//    for abandoned workers, within its own limits; if they leave in time, it does not report
//    kAbandoned, although their threads stay detached.
// 6. Throws std::logic_error and changes nothing if `workers` was moved from, if one of its own
//    threads calls it, because it would wait for itself (WP-15), or in a child process of fork(),
//    which has none of the threads (WP-36). It recognizes an abandoned thread only inside its job.
//    Elsewhere, in a stop callback or in the destructor of the handler, such a thread must not call
//    it.
// 7. A worker owns everything it uses, so an abandoned one may finish late, provided that the
//    handler and the observer own what they use too. It must not run while main() returns, because
//    that destroys static objects: use exit_without_destructors(). (WP-13)
//
// The exceptions:
// - After a worker has left, its thread is joined. That includes the destructors of thread_local
//   objects and whatever a custom StartThread runs after worker().
// - If the system has no thread for the cancel, the caller's thread runs the jobs' stop callbacks.
// - On a machine that is busy with other work, the calling thread itself may be late.
// - A caller with a higher real-time priority than the workers may block forever (running_jobs.h).
//
// The jobs are canceled one after another. A stop callback that blocks delays those after it, and
// their jobs may be abandoned too.
ShutdownReport shutdown(Workers& workers, ShutdownLimits limits = {},
                        std::stop_token cancel_now = {});

// The same for workers that are not used afterwards: shutdown(std::move(workers)).
inline ShutdownReport shutdown(Workers&& workers, ShutdownLimits limits = {},
                               std::stop_token cancel_now = {}) {
  return shutdown(workers, limits, std::move(cancel_now));
}

}  // namespace worker_pool
