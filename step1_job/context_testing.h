// What the tests of the contexts share.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <stop_token>

#include "step1_job/context.h"
#include "testing/event_log.h"
#include "testing/watchdog.h"

namespace worker_pool {

// Makes a failure print "kCancelled" instead of raw bytes. GoogleTest finds it by its name.
inline void PrintTo(CancelReason reason, std::ostream* out) {
  constexpr const char* kNames[] = {"kCancelled", "kDeadlineExceeded", "kShutDown"};
  *out << kNames[static_cast<int>(reason)];
}

inline constexpr auto kNoDeadline = Clock::time_point::max();

// A test cannot see whether a thread is already asleep, so in any one round the stop request may
// come before the sleep. Over many rounds both orders occur, and each must end the sleep.
inline constexpr int kRounds = 50;

// Fails unless a stop request ends a sleep of `duration` that another thread starts.
inline void expect_stop_ends_sleep(const Watchdog& watchdog, std::stop_source& stop,
                                   const Context& ctx, Clock::duration duration) {
  EventLog log(watchdog);
  bool slept = true;
  auto sleeper = watchdog.thread("sleeper: for request_stop()", [&] {
    log.add("sleeps");
    slept = ctx.sleep_for(duration);
  });
  log.await("sleeps");
  stop.request_stop();
  sleeper.join();
  EXPECT_FALSE(slept) << "sleep_for() returned true although the context was stopped";
}

}  // namespace worker_pool
