#include "step4_shutdown/shutdown.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace worker_pool {
namespace {

// Requests a stop of every job, on a thread of its own: request_stop() runs the stop callbacks of
// the handlers, and one that blocks must not block the shutdown. The thread is a member of the
// group, so shutdown() waits for it and, if need be, abandons it like a worker. (WP-23)
void cancel(Workers& workers) {
  try {
    workers.threads.emplace_back(
        [stop = workers.stop, done = workers.group.add()]() mutable { stop.request_shut_down(); });
  } catch (const std::exception&) {
    workers.stop.request_shut_down();  // no thread available: cancel on this one
  }
}

// Counts jobs received but not finished. Exact once the channel is closed and empty. Counts at most
// one for each worker, even if another receiver took jobs from the channel: shutdown() has reserved
// memory for that many ids.
std::uint64_t in_hand(const Workers& workers) {
  const std::uint64_t finished = workers.running->finished();  // read first: it only grows
  return std::min<std::uint64_t>(workers.jobs.stats().received - finished,
                                 workers.running->workers());
}

// Waits for workers that are neither stuck nor finished: 100 ms, and 5 ms more for each worker,
// because a busy machine lets many threads leave one after the other. A worker that has just
// received a job is about to name it, and one without a job is about to leave. Returns true when
// all have left. Otherwise fills `ids` with one id for each job that is received but not finished,
// "?" for a job without a name.
//
//   the worker            receive()           job_started()
//   jobs by count   0               1                            1
//   jobs by name    -               -                            "a"
//                                   ^ one more by count than by name: wait another round
bool left_after_all(const Workers& workers, std::vector<std::string>& ids) {
  constexpr std::chrono::milliseconds kRound(1);
  const std::chrono::milliseconds limit(100 + 5 * workers.running->workers());
  const Clock::time_point last_round = deadline_after(limit - kRound);
  for (;;) {
    if (workers.group.wait_for(kRound)) return true;
    const std::uint64_t count = in_hand(workers);  // before the ids: see RunningJobs::finished()
    workers.running->copy_ids_to(ids);
    if (count > 0 && ids.size() >= count) return false;
    if (Clock::now() <= last_round) continue;
    if (ids.size() < count) ids.resize(count, "?");
    return false;
  }
}

// Every worker has left the group, so the threads are about to exit.
void join(Workers& workers) { workers.threads.clear(); }

// The only place in the course, outside of tests and exercises, that detaches a thread. It is safe
// because a worker owns everything it uses. (WP-13)
void abandon(Workers& workers) {
  for (std::jthread& thread : workers.threads) thread.detach();
  workers.threads.clear();
}

}  // namespace

ShutdownReport shutdown(Workers& workers, ShutdownLimits limits, std::stop_token cancel_now) {
  if (!workers.running) throw std::logic_error("shutdown: the Workers was moved from");
  if (workers.running->in_forked_child()) {
    throw std::logic_error(
        "shutdown: called in a child process of fork(), which has none of the workers' threads");
  }
  if (workers.running->on_this_thread() || workers.has_this_thread()) {
    throw std::logic_error(
        "shutdown: called by one of the pool's own jobs; it would wait for itself");
  }

  ShutdownReport report;
  // What needs memory comes before the jobs are taken back, so that no error can lose them.
  report.still_running.reserve(workers.running->workers());
  report.closed_at = Clock::now();
  workers.jobs.close();
  const bool all_left =
      workers.group.wait(Context(std::move(cancel_now)).with_timeout(limits.drain));

  // Take back, then cancel: in the other order, a worker could receive one more job in between.
  // Jobs can be left even when all workers have left, if jobs have ended their threads.
  report.not_started = workers.jobs.close_and_take_pending();
  if (all_left && report.not_started.empty()) {
    join(workers);
    return report;
  }
  if (!report.not_started.empty() || in_hand(workers) > 0) {
    report.outcome = ShutdownOutcome::kCancelled;
    report.cancelled_at = Clock::now();
    cancel(workers);
  }
  if (workers.group.wait_for(limits.cancel) || left_after_all(workers, report.still_running)) {
    report.still_running.clear();
    join(workers);
    return report;
  }

  report.outcome = ShutdownOutcome::kAbandoned;
  report.abandoned_at = Clock::now();
  abandon(workers);
  return report;
}

}  // namespace worker_pool
