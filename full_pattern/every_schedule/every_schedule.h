// What the tests in this folder share.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>

#include "step2_worker/channel.h"
#include "testing/lab/explorer.h"

namespace worker_pool {

// One preemption, unless the environment asks for more: the schedules become ten times as many.
inline int preemptions() {
  const char* const wanted = std::getenv("LAB_PREEMPTIONS");
  return wanted == nullptr ? 1 : std::atoi(wanted);
}

// Runs the scenario under every schedule with that many preemptions, and expects that none fails.
inline void expect_every_schedule(const std::function<void()>& scenario,
                                  lab::Options options = {.max_preemptions = preemptions()}) {
  options.max_schedules = 10'000'000;
  options.random_schedules = 0;
  // Once before, for what a program does only once: constructing static variables.
  (void)lab::explore({.replay = "0"}, scenario);
  if (const char* const schedule = std::getenv("LAB_REPLAY")) options.replay = schedule;
  const lab::Result result = lab::explore(options, scenario);
  ::testing::Test::RecordProperty("schedules", static_cast<int>(result.schedules));
  if (const char* const verdict = std::getenv("LAB_VERDICT")) {  // seeded_bug.bzl
    EXPECT_TRUE(result.failed) << "the bug was not found in " << result.schedules << " schedules";
    EXPECT_NE(result.verdict.find(verdict), std::string::npos) << result.story;
    return;
  }
  EXPECT_FALSE(result.failed) << "Schedule " << result.schedules
                              << " breaks it (LAB_REPLAY=" << result.schedule << "):\n"
                              << result.story;
  EXPECT_TRUE(result.failed || result.exhaustive)
      << (options.replay.empty() ? "not decided" : "only the schedule in LAB_REPLAY was run");
}

// --- In a scenario -------------------------------------------------------------------------------

inline void expect_sent(SendStatus status) {
  lab::check(status == SendStatus::kSent, "a value was refused");
}

// Sleeps until only the calling thread is left: an abandoned thread runs to its end.
inline void let_abandoned_threads_end() {
  while (lab::running_threads() > 1) std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace worker_pool
