// What the tests of the WorkerPool share.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <expected>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step4_shutdown/shutdown.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {

using namespace std::chrono_literals;

inline constexpr ShutdownLimits kPatient = {.drain = Clock::duration::max()};
inline constexpr ShutdownLimits kCancelNow = {.drain = 0ms, .cancel = Clock::duration::max()};
inline constexpr ShutdownLimits kAbandonNow = {.drain = 0ms, .cancel = 0ms};

inline JobResult succeed(const Job&, const Context&) { return {}; }

inline std::vector<std::string> ids_of(const std::vector<Job>& jobs) {
  std::vector<std::string> ids;
  for (const Job& job : jobs) ids.push_back(job.id);
  return ids;
}

// A handler that logs the start of a job, waits at a gate, and logs the end. The handlers share its
// ownership, because an abandoned one outlives the test's scope.
struct Held {
  explicit Held(const Watchdog& watchdog) : gate(watchdog, "jobs may go on"), log(watchdog) {}

  static JobHandler handler(const std::shared_ptr<Held>& held) {
    return [held](const Job& job, const Context&) -> JobResult {
      held->log.add("start " + job.id);
      held->gate.wait();
      held->log.add("end " + job.id);
      return {};
    };
  }

  Gate gate;
  EventLog log;
};

// The same, but a job waits for the end of its context instead of a gate.
inline JobHandler until_cancelled(const std::shared_ptr<EventLog>& log) {
  return [log](const Job& job, const Context& ctx) -> JobResult {
    log->add("start " + job.id);
    if (ctx.sleep_for(Clock::duration::max())) return {};
    log->add("cancelled " + job.id);
    return std::unexpected(ended(*ctx.err()));
  };
}

// For the messages of GoogleTest.
inline void PrintTo(ShutdownOutcome outcome, std::ostream* out) { *out << to_string(outcome); }

// The tests of the pool run on both kinds of channels.
inline std::string name_of(const ::testing::TestParamInfo<ChannelKind>& channel) {
  return channel.param == ChannelKind::kSimple ? "SimpleChannel" : "FastChannel";
}

}  // namespace worker_pool
