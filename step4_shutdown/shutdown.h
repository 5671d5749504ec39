// Graceful shutdown with an end to its patience: drain, then cancel, then abandon.
//
//   const ShutdownReport report = shutdown(std::move(workers), {.drain = 5s, .cancel = 1s});
//   for (const Job& job : report.not_started) put_back(job);
//   if (report.outcome == ShutdownOutcome::kAbandoned) exit_without_destructors(3);
//
//   close      no more jobs are accepted
//   drain      the workers finish what is queued, within the first limit
//   cancel     what was never started is taken back, what runs is asked to stop; second limit
//   abandon    whoever is still busy is named and left alone
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step3_dispatcher/dispatcher.h"

namespace worker_pool {

// 0 or less skips the wait; kForever waits for ever.
struct ShutdownLimits {
  Clock::duration drain = std::chrono::seconds(5);
  Clock::duration cancel = std::chrono::seconds(1);
};

enum class ShutdownOutcome {
  kDrained,    // every accepted job came to its end without the shutdown's doing; no thread is left
  kCancelled,  // what was not done was cancelled or taken back; no thread is left
  kAbandoned,  // some threads did not listen: they still run, detached
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

// Every accepted job is accounted for: its end was reported to the observer, or it stands here.
struct ShutdownReport {
  ShutdownOutcome outcome = ShutdownOutcome::kDrained;
  std::vector<Job> not_started{};  // they come back, in the order they were sent
  // The ids of the jobs whose workers were abandoned. "?" is one whose worker had only just
  // received it and was too slow to name it; it may not have been started yet, and still may be.
  std::vector<std::string> still_running{};
  // When each stage began, if it came to that. A cancel begins after the taking back, and only when
  // there was something to cancel or a job had come back.
  Clock::time_point closed_at{};
  std::optional<Clock::time_point> cancelled_at{};
  std::optional<Clock::time_point> abandoned_at{};
};

// Shuts the workers down and says what became of the jobs. Blocks the caller for limits.drain +
// limits.cancel and a moment at most, whatever a handler does, even if it ignores everything. A job
// that was taken back has not been started and never will be. A stop request on `cancel_now` ends
// the drain at once; a service connects it to the second Ctrl-C.
//
// std::move() here says "this is the end of them", as with a value that is given away, but nothing
// is moved out: other threads may go on sending to workers.jobs, and are told kClosed. Afterwards
// `workers` has no threads, so leaving its scope does not block either. One call at a time. (WP-14)
//
// The jobs hear of the cancel one after the other: a stop callback that blocks keeps those behind
// it from hearing, and they may be abandoned with it. Not covered by the limits is what ends a
// thread after its worker has left: the destructors of the handler's thread_local objects, and what
// a StartThread of your own does after worker(). And when no thread can be had for it, the
// cancelling runs the handlers' stop callbacks on the caller's.
//
// Must not be called by one of the workers' own jobs, which would wait for itself (WP-15): throws
// std::logic_error, and nothing has happened to `workers`. The same for a Workers that was moved to
// another.
//
// Abandoned threads own everything they touch and may finish late in peace, but not while main()
// takes the program's statics apart: leave by exit_without_destructors() then. (WP-13)
ShutdownReport shutdown(Workers&& workers, ShutdownLimits limits = {},
                        std::stop_token cancel_now = {});

// Ends the program: flushes standard output, unless an abandoned thread is stuck writing to it, and
// calls std::quick_exit, so nothing is destroyed that such a thread could still be using. Blocks
// for as long as standard output does, such as a pipe that nobody reads; after
// std::ios::sync_with_stdio(false) also while another thread is stuck in std::cout.
[[noreturn]] void exit_without_destructors(int status);

}  // namespace worker_pool
