// Context and deadline_after(). Its sleep is tested in context_sleep_test.cc.
#include "step1_job/context.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "step1_job/context_testing.h"
#include "testing/event_log.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

TEST(DeadlineAfter, IsThatFarFromNow) {
  const auto before = Clock::now();
  const auto deadline = deadline_after(1h);
  EXPECT_TRUE(deadline >= before + 1h) << "too early";
  EXPECT_TRUE(deadline <= Clock::now() + 1h) << "too late";
}

TEST(DeadlineAfter, SaturatesInsteadOfOverflowing) {
  EXPECT_TRUE(deadline_after(kForever) == kNoDeadline) << "the longest duration";
  EXPECT_TRUE(deadline_after(kNoDeadline - Clock::now()) == kNoDeadline)
      << "the shortest duration that saturates";
}

TEST(DeadlineAfter, DoesNotSaturateWithoutNeed) {
  const auto deadline = deadline_after(kNoDeadline - Clock::now() - 1h);
  EXPECT_TRUE(deadline < kNoDeadline) << "a duration that fits was treated as kForever";
  EXPECT_TRUE(deadline >= kNoDeadline - 1h) << "too early";
}

TEST(DeadlineAfter, HasPassedWhenTheDurationIsNegativeOrZero) {
  for (const auto duration : {0ns, -1ns, Clock::duration::min()}) {
    const auto deadline = deadline_after(duration);
    EXPECT_TRUE(deadline <= Clock::now()) << "duration: " << duration.count() << " ns";
  }
}

TEST(Context, DefaultNeverEnds) {
  const Context ctx;
  EXPECT_EQ(ctx.err(), std::nullopt);
  EXPECT_TRUE(ctx.deadline() == kNoDeadline);
  EXPECT_FALSE(ctx.stop_token().stop_possible());
}

TEST(Context, SaysWhetherItCanEnd) {
  EXPECT_FALSE(Context().can_end());
  EXPECT_TRUE(Context().with_timeout(1h).can_end());
  std::optional<std::stop_source> stop(std::in_place);
  const Context ctx(stop->get_token());
  EXPECT_TRUE(ctx.can_end());
  stop.reset();
  EXPECT_FALSE(ctx.can_end()) << "no stop source is left";
  EXPECT_TRUE(ctx.with_timeout(1h).can_end());
}

TEST(Context, EndsWhenStopIsRequested) {
  std::stop_source stop;
  const Context ctx(stop.get_token());
  EXPECT_EQ(ctx.err(), std::nullopt) << "before the stop";
  stop.request_stop();
  EXPECT_EQ(ctx.err(), CancelReason::kCancelled);
}

TEST(Context, DoesNotEndWhenItsStopSourceIsDestroyed) {
  const Context ctx(std::stop_source().get_token());
  EXPECT_EQ(ctx.err(), std::nullopt);
}

TEST(Context, EndsWhenItsDeadlinePassesAndNotEarlier) {
  Watchdog watchdog;
  const auto deadline = Clock::now() + 10ms;
  const Context ctx({}, deadline);
  watchdog.await("the deadline to pass", [&] { return ctx.err().has_value(); });
  EXPECT_TRUE(Clock::now() >= deadline) << "ended before its deadline";
  EXPECT_EQ(ctx.err(), CancelReason::kDeadlineExceeded);
}

TEST(Context, GoesOnUntilAFarDeadline) {
  EXPECT_EQ(Context({}, Clock::now() + 1h).err(), std::nullopt);
}

TEST(Context, CancelledOutranksLate) {
  std::stop_source stop;
  const Context ctx(stop.get_token(), Clock::now() - 1h);
  EXPECT_EQ(ctx.err(), CancelReason::kDeadlineExceeded) << "late only";
  stop.request_stop();
  EXPECT_EQ(ctx.err(), CancelReason::kCancelled) << "both late and canceled";
}

TEST(Context, ReasonIsTheShutdownIfThatRequestedTheStop) {
  ContextSource pool;
  const Context ctx = pool.context(Clock::now() - 1h);
  EXPECT_EQ(ctx.err(), CancelReason::kDeadlineExceeded) << "late only";
  pool.request_shut_down();
  EXPECT_EQ(ctx.err(), CancelReason::kShutDown) << "late, and the pool is shutting down";
  EXPECT_EQ(ctx.with_timeout(1h).err(), CancelReason::kShutDown) << "the child's reason";
}

TEST(Context, ReasonIsTheFirstOfACancelAndAShutdown) {
  ContextSource canceled_first;
  canceled_first.request_stop();
  canceled_first.request_shut_down();
  EXPECT_EQ(canceled_first.context().err(), CancelReason::kCancelled);
  ContextSource shut_down_first;
  shut_down_first.request_shut_down();
  shut_down_first.request_stop();
  EXPECT_EQ(shut_down_first.context().err(), CancelReason::kShutDown);
}

TEST(ContextSource, CopiesStopTogetherAndKeepTheReason) {
  ContextSource pool;
  const Context ctx = pool.context();
  ContextSource copy = pool;
  copy.request_shut_down();
  EXPECT_EQ(ctx.err(), CancelReason::kShutDown);
  EXPECT_EQ(pool.context().err(), CancelReason::kShutDown);
}

TEST(ContextSource, MovedFromRequestsNothing) {
  ContextSource pool;
  const ContextSource owner = std::move(pool);
  pool.request_shut_down();
  pool.request_stop();
  EXPECT_EQ(owner.context().err(), std::nullopt);
}

TEST(Context, KeepsTheStopTokenItWasGiven) {
  std::stop_source stop;
  const Context ctx(stop.get_token());
  EXPECT_EQ(ctx.stop_token(), stop.get_token());
  EXPECT_EQ(ctx.with_timeout(1h).stop_token(), stop.get_token()) << "the child's token";
}

TEST(Context, ParentCancelsChildAndGrandchild) {
  std::stop_source stop;
  const Context parent(stop.get_token());
  const Context child = parent.with_timeout(1h);
  const Context grandchild = child.with_deadline(Clock::now() + 2h);
  EXPECT_EQ(child.err(), std::nullopt) << "before the stop";
  stop.request_stop();
  EXPECT_EQ(child.err(), CancelReason::kCancelled);
  EXPECT_EQ(grandchild.err(), CancelReason::kCancelled);
}

TEST(Context, ChildsDeadlineNeverEndsItsParent) {
  std::stop_source stop;
  const Context parent(stop.get_token());
  const Context child = parent.with_deadline(Clock::now() - 1h);
  ASSERT_EQ(child.err(), CancelReason::kDeadlineExceeded);
  EXPECT_EQ(parent.err(), std::nullopt);
  EXPECT_TRUE(parent.deadline() == kNoDeadline) << "the parent got its child's deadline";
  EXPECT_FALSE(stop.stop_requested()) << "a late child canceled its parent";
}

TEST(Context, EarlierDeadlineWinsInBothOrders) {
  const auto early = Clock::now() + 1h;
  const auto late = Clock::now() + 2h;
  EXPECT_TRUE(Context({}, early).with_deadline(late).deadline() == early)
      << "the parent's deadline is earlier";
  EXPECT_TRUE(Context({}, late).with_deadline(early).deadline() == early)
      << "the child's deadline is earlier";
  EXPECT_TRUE(Context({}, early).with_timeout(kForever).deadline() == early)
      << "the child has none";
  EXPECT_TRUE(Context().with_deadline(early).deadline() == early) << "the parent has none";
}

TEST(Context, WithTimeoutEndsThatFarFromNow) {
  const auto before = Clock::now();
  const Context ctx = Context().with_timeout(1h);
  EXPECT_TRUE(ctx.deadline() >= before + 1h) << "too early";
  EXPECT_TRUE(ctx.deadline() <= Clock::now() + 1h) << "too late";
}

TEST(Context, LongestTimeoutIsNoDeadline) {
  const Context ctx = Context().with_timeout(kForever);
  EXPECT_EQ(ctx.err(), std::nullopt);
  EXPECT_TRUE(ctx.deadline() == kNoDeadline);
}

TEST(Context, NegativeOrZeroTimeoutIsLateAtOnce) {
  for (const auto timeout : {0ns, -1ns, Clock::duration::min()}) {
    EXPECT_EQ(Context().with_timeout(timeout).err(), CancelReason::kDeadlineExceeded)
        << "timeout: " << timeout.count() << " ns";
  }
  EXPECT_EQ(Context().with_deadline(Clock::time_point::min()).err(),
            CancelReason::kDeadlineExceeded);
}

TEST(Context, CopiesEndTogether) {
  std::stop_source stop;
  auto original = std::make_unique<Context>(stop.get_token(), Clock::now() + 1h);
  const Context copy = *original;
  EXPECT_TRUE(copy.deadline() == original->deadline());
  stop.request_stop();
  EXPECT_EQ(original->err(), CancelReason::kCancelled);
  EXPECT_EQ(copy.err(), CancelReason::kCancelled);
  original.reset();
  EXPECT_EQ(copy.err(), CancelReason::kCancelled) << "after the original was destroyed";
}

TEST(Context, SwapExchangesTokenReasonAndDeadline) {
  ContextSource source;
  source.request_shut_down();
  const Clock::time_point yesterday = Clock::now() - 24h;
  Context a = source.context();
  Context b = Context().with_deadline(yesterday);
  swap(a, b);
  EXPECT_EQ(a.err(), CancelReason::kDeadlineExceeded);
  EXPECT_TRUE(a.deadline() == yesterday);
  EXPECT_EQ(b.err(), CancelReason::kShutDown);
  EXPECT_TRUE(b.deadline() == kNoDeadline);
}

TEST(Context, ManyThreadsMayUseOneContextAtOnce) {
  Watchdog watchdog;
  std::stop_source stop;
  const Context ctx(stop.get_token());
  EventLog log(watchdog);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.push_back(watchdog.thread("user: for the context to end", [&] {
        log.add("uses");
        while (!Context(ctx).with_timeout(1h).err()) (void)ctx.sleep_for(1us);
        if (!ctx.sleep_for(kForever)) log.add("ended");
      }));
    }
    watchdog.await("all users to start", [&] { return log.count("uses") == 4; });
    stop.request_stop();
  }
  EXPECT_EQ(log.count("ended"), 4U);
}

}  // namespace
}  // namespace worker_pool
