// Context::sleep_for(): how long it sleeps, and what ends the sleep.
#include <gtest/gtest.h>

#include <chrono>
#include <stop_token>

#include "step1_job/context.h"
#include "step1_job/context_testing.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

TEST(ContextSleep, SleepsInFullAndNotShorter) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: sleep_for(10ms)");
  for (const Context& ctx : {Context(), Context().with_timeout(1h)}) {
    const auto start = Clock::now();
    EXPECT_TRUE(ctx.sleep_for(10ms));
    EXPECT_TRUE(Clock::now() - start >= 10ms) << "woke up early";
  }
}

TEST(ContextSleep, OnlyAStopEndsASleepThatLastsForever) {
  Watchdog watchdog;
  std::stop_source stop;
  expect_stop_ends_sleep(watchdog, stop, Context(stop.get_token()), kForever);
}

TEST(ContextSleep, StopEndsALongSleep) {
  Watchdog watchdog;
  std::stop_source stop;
  expect_stop_ends_sleep(watchdog, stop, Context(stop.get_token()), 1h);
}

TEST(ContextSleep, StopEndsASleepThatWaitsForAFarDeadline) {
  Watchdog watchdog;
  std::stop_source stop;
  expect_stop_ends_sleep(watchdog, stop, Context(stop.get_token(), kNoDeadline - 1ns), kForever);
}

TEST(ContextSleep, DeadlineEndsALongSleepAndNotEarlier) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: for a deadline in 10 ms");
  for (const auto duration : {Clock::duration(1h), kForever}) {
    const Context ctx = Context().with_timeout(10ms);
    EXPECT_FALSE(ctx.sleep_for(duration))
        << "reported a full sleep of " << duration.count() << " ns";
    EXPECT_TRUE(Clock::now() >= ctx.deadline()) << "woke up before the deadline";
    EXPECT_EQ(ctx.err(), CancelReason::kDeadlineExceeded);
  }
}

TEST(ContextSleep, NegativeAndZeroDurationsReturnAtOnce) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: sleep_for() of zero or less");
  for (const auto duration : {0ns, -1ns, Clock::duration::min()}) {
    EXPECT_TRUE(Context().sleep_for(duration))
        << "context without a deadline, " << duration.count() << " ns";
    EXPECT_TRUE(Context().with_timeout(1h).sleep_for(duration))
        << "deadline in an hour, " << duration.count() << " ns";
  }
}

TEST(ContextSleep, ReturnsFalseAtOnceWhenTheContextHasEnded) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: sleep_for() on an ended context");
  std::stop_source stop;
  stop.request_stop();
  for (const auto duration : {kForever, Clock::duration(1h), Clock::duration(-1h)}) {
    EXPECT_FALSE(Context(stop.get_token()).sleep_for(duration))
        << "canceled, " << duration.count() << " ns";
    EXPECT_FALSE(Context().with_timeout(-1h).sleep_for(duration))
        << "late, " << duration.count() << " ns";
  }
}

}  // namespace
}  // namespace worker_pool
