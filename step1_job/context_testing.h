// What the tests of the contexts share.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <stop_token>

#include "step1_job/context.h"
#include "testing/event_log.h"
#include "testing/watchdog.h"

#if defined(__linux__)
#include <unistd.h>

#include <atomic>

#include "testing/is_asleep.h"
#endif

namespace worker_pool {

// Makes a failure print "kCancelled" instead of raw bytes. GoogleTest finds it by its name.
inline void PrintTo(CancelReason reason, std::ostream* out) {
  constexpr const char* kNames[] = {"kCancelled", "kDeadlineExceeded", "kShutDown"};
  *out << kNames[static_cast<int>(reason)];
}

inline constexpr auto kNoDeadline = Clock::time_point::max();

// Fails unless a stop request ends a sleep of `duration` that another thread has started. On Linux
// that thread is asleep. Elsewhere the request may come before the sleep, which must not begin
// then. full_pattern/every_schedule tries both orders, and all between.
inline void expect_stop_ends_sleep(const Watchdog& watchdog, std::stop_source& stop,
                                   const Context& ctx, Clock::duration duration) {
  EventLog log(watchdog);
  bool slept = true;
#if defined(__linux__)
  std::atomic<pid_t> thread = 0;
#endif
  auto sleeper = watchdog.thread("sleeper: for request_stop()", [&] {
#if defined(__linux__)
    thread = gettid();
#endif
    log.add("sleeps");
    slept = ctx.sleep_for(duration);
  });
  log.await("sleeps");
#if defined(__linux__)
  watchdog.await("the sleeper to be asleep", [&] { return is_asleep(thread); });
#endif
  stop.request_stop();
  sleeper.join();
  EXPECT_FALSE(slept) << "sleep_for() returned true although the context was stopped";
}

}  // namespace worker_pool
