#include "step4_shutdown/shutdown.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace worker_pool {
namespace {

// Sets the workers' stop source. On a thread of its own, because request_stop() runs the stop
// callbacks that handlers have registered, and one that blocks must not hold up the shutdown. The
// thread joins the group, so it is waited for and, if need be, abandoned like a worker. (WP-23)
void cancel(Workers& workers) {
  try {
    workers.threads.emplace_back(
        [stop = workers.stop, done = workers.group.add()]() mutable { stop.request_stop(); });
  } catch (const std::exception&) {
    workers.stop.request_stop();  // no thread to be had: better here than not at all
  }
}

// How many jobs the workers have received and are not done with. Exact once the channel is empty
// and closed.
std::uint64_t in_hand(const Workers& workers) {
  const std::uint64_t finished = workers.running->finished();  // first: it only grows
  return workers.jobs.stats().received - finished;
}

// A last moment for the workers that are neither stuck nor gone. One that has only just received
// its job has to say so, and one without a job only has to leave. Neither waits for anybody on its
// way, so a few rounds are plenty; the limit on them keeps the promise of a bounded shutdown.
// Returns true when all have left, otherwise fills in an id for each job in hand.
//
//   the worker         receive()                 job_started(): named
//   in hand, by count  0         1               1
//   by name            -         -               "a"
//                                ^ here there is one more in hand than has a name: look again
bool left_after_all(const Workers& workers, std::vector<std::string>& ids) {
  constexpr int kRounds = 100;
  for (int round = 0; round < kRounds; ++round) {
    if (workers.group.wait_for(std::chrono::milliseconds(1))) return true;
    const std::uint64_t count = in_hand(workers);  // before the ids: see RunningJobs::finished()
    ids = workers.running->ids();
    if (count > 0 && ids.size() >= count) return false;
    if (round + 1 == kRounds && ids.size() < count) ids.resize(count, "?");
  }
  return false;
}

// The workers have left the group: all that remains is the end of their threads.
void join(Workers& workers) { workers.threads.clear(); }

// The one place in the course, outside of tests and exercises, that detaches. Safe only because a
// worker owns all that it touches. (WP-13)
void abandon(Workers& workers) {
  for (std::jthread& thread : workers.threads) thread.detach();
  workers.threads.clear();
}

void flush_stdout() {
#if defined(_WIN32)
  std::cout.flush();
#else
  // Not every stream, and not at any price: an abandoned thread may hold the lock of one for ever.
  if (ftrylockfile(stdout) != 0) return;
  std::cout.flush();
  std::fflush(stdout);
  funlockfile(stdout);
#endif
}

}  // namespace

ShutdownReport shutdown(Workers&& workers, ShutdownLimits limits, std::stop_token cancel_now) {
  if (!workers.running) throw std::logic_error("shutdown: these workers were moved elsewhere");
  if (workers.running->on_this_thread()) {
    throw std::logic_error(
        "shutdown: called by one of the pool's own jobs, which it would wait for");
  }

  ShutdownReport report{.closed_at = Clock::now()};
  workers.jobs.close();
  if (workers.group.wait(Context(std::move(cancel_now)).with_timeout(limits.drain))) {
    join(workers);
    return report;
  }

  // First take back, then cancel: the other way round a worker could fetch one more job.
  report.not_started = workers.jobs.close_and_take_pending();
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

void exit_without_destructors(int status) {
  try {
    flush_stdout();
  } catch (...) {  // a std::cout that throws when it cannot write
  }
#if defined(__APPLE__)
  std::_Exit(status);  // has no quick_exit
#else
  std::quick_exit(status);
#endif
}

}  // namespace worker_pool
