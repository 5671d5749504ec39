#include "step1_job/context.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {

// Lets a failure say "kCancelled" instead of a row of bytes. GoogleTest finds it here.
void PrintTo(CancelReason reason, std::ostream* out) {
  *out << (reason == CancelReason::kCancelled ? "kCancelled" : "kDeadlineExceeded");
}

namespace {

using namespace std::chrono_literals;

constexpr auto kNoDeadline = Clock::time_point::max();

// Nobody can see from outside whether a thread sleeps already, so in a single round the stop may
// come before the sleep. In many rounds both orders happen, and both must end the sleep.
constexpr int kRounds = 50;

void expect_stop_ends_sleep(const Watchdog& watchdog, std::stop_source& stop, const Context& ctx,
                            Clock::duration duration) {
  EventLog log(watchdog);
  bool slept = true;
  auto sleeper = watchdog.thread("sleeper: for request_stop()", [&] {
    log.add("sleeps");
    slept = ctx.sleep_for(duration);
  });
  log.await("sleeps");
  stop.request_stop();
  sleeper.join();
  EXPECT_FALSE(slept) << "the sleep was stopped, and sleep_for() says that it was slept in full";
}

TEST(DeadlineAfter, IsThatFarFromNow) {
  const auto before = Clock::now();
  const auto deadline = deadline_after(1h);
  EXPECT_TRUE(deadline >= before + 1h) << "too early";
  EXPECT_TRUE(deadline <= Clock::now() + 1h) << "too late";
}

TEST(DeadlineAfter, SaturatesInsteadOfOverflowing) {
  EXPECT_TRUE(deadline_after(kForever) == kNoDeadline) << "the longest duration there is";
  EXPECT_TRUE(deadline_after(kNoDeadline - Clock::now()) == kNoDeadline)
      << "the shortest duration that reaches the end of time";
}

TEST(DeadlineAfter, DoesNotSaturateWithoutNeed) {
  const auto deadline = deadline_after(kNoDeadline - Clock::now() - 1h);
  EXPECT_TRUE(deadline < kNoDeadline) << "a duration that fits was taken for \"for ever\"";
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
  EXPECT_FALSE(ctx.can_end()) << "with nobody left to stop it";
  EXPECT_TRUE(ctx.with_timeout(1h).can_end());
}

TEST(Context, EndsWhenStopIsRequested) {
  std::stop_source stop;
  const Context ctx(stop.get_token());
  EXPECT_EQ(ctx.err(), std::nullopt) << "before the stop";
  stop.request_stop();
  EXPECT_EQ(ctx.err(), CancelReason::kCancelled);
}

TEST(Context, DoesNotEndWhenItsStopSourceIsGone) {
  const Context ctx(std::stop_source().get_token());
  EXPECT_EQ(ctx.err(), std::nullopt);
}

TEST(Context, EndsWhenItsDeadlinePassesAndNotEarlier) {
  Watchdog watchdog;
  const auto deadline = Clock::now() + 10ms;
  const Context ctx({}, deadline);
  watchdog.await("the deadline to pass", [&] { return ctx.err().has_value(); });
  EXPECT_TRUE(Clock::now() >= deadline) << "late before its deadline";
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
  EXPECT_EQ(ctx.err(), CancelReason::kCancelled) << "cancelled as well";
}

TEST(Context, KeepsTheStopTokenItWasGiven) {
  std::stop_source stop;
  const Context ctx(stop.get_token());
  EXPECT_EQ(ctx.stop_token(), stop.get_token());
  EXPECT_EQ(ctx.with_timeout(1h).stop_token(), stop.get_token()) << "a child's";
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
  EXPECT_TRUE(parent.deadline() == kNoDeadline) << "the parent took over its child's deadline";
  EXPECT_FALSE(stop.stop_requested()) << "a late child cancelled its parent";
}

TEST(Context, EarlierDeadlineWinsInBothOrders) {
  const auto early = Clock::now() + 1h;
  const auto late = Clock::now() + 2h;
  EXPECT_TRUE(Context({}, early).with_deadline(late).deadline() == early) << "parent's is earlier";
  EXPECT_TRUE(Context({}, late).with_deadline(early).deadline() == early) << "child's is earlier";
  EXPECT_TRUE(Context({}, early).with_timeout(kForever).deadline() == early) << "child has none";
  EXPECT_TRUE(Context().with_deadline(early).deadline() == early) << "parent has none";
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
  EXPECT_EQ(copy.err(), CancelReason::kCancelled) << "after the original is gone";
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
    watchdog.await("all users to be there", [&] { return log.count("uses") == 4; });
    stop.request_stop();
  }
  EXPECT_EQ(log.count("ended"), 4U);
}

TEST(ContextSleep, SleepsInFullAndNotShorter) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: sleep_for(10ms)");
  for (const Context& ctx : {Context(), Context().with_timeout(1h)}) {
    const auto start = Clock::now();
    EXPECT_TRUE(ctx.sleep_for(10ms));
    EXPECT_TRUE(Clock::now() - start >= 10ms) << "woke up early";
  }
}

TEST(ContextSleep, OnlyAStopEndsASleepForEver) {
  Watchdog watchdog;
  for (int round = 0; round < kRounds; ++round) {
    std::stop_source stop;
    expect_stop_ends_sleep(watchdog, stop, Context(stop.get_token()), kForever);
  }
}

TEST(ContextSleep, StopEndsALongSleep) {
  Watchdog watchdog;
  for (int round = 0; round < kRounds; ++round) {
    std::stop_source stop;
    expect_stop_ends_sleep(watchdog, stop, Context(stop.get_token()), 1h);
  }
}

TEST(ContextSleep, StopEndsASleepThatWaitsForAFarDeadline) {
  Watchdog watchdog;
  for (int round = 0; round < kRounds; ++round) {
    std::stop_source stop;
    expect_stop_ends_sleep(watchdog, stop, Context(stop.get_token(), kNoDeadline - 1ns), kForever);
  }
}

TEST(ContextSleep, DeadlineEndsALongSleepAndNotEarlier) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: for a deadline in 10 ms");
  for (const auto duration : {Clock::duration(1h), kForever}) {
    const Context ctx = Context().with_timeout(10ms);
    EXPECT_FALSE(ctx.sleep_for(duration)) << "it says that it slept " << duration.count() << " ns";
    EXPECT_TRUE(Clock::now() >= ctx.deadline()) << "woke up before the deadline";
    EXPECT_EQ(ctx.err(), CancelReason::kDeadlineExceeded);
  }
}

TEST(ContextSleep, NegativeAndZeroDurationsReturnAtOnce) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: sleep_for() of zero or less");
  for (const auto duration : {0ns, -1ns, Clock::duration::min()}) {
    EXPECT_TRUE(Context().sleep_for(duration)) << "never ends, " << duration.count() << " ns";
    EXPECT_TRUE(Context().with_timeout(1h).sleep_for(duration))
        << "ends in an hour, " << duration.count() << " ns";
  }
}

TEST(ContextSleep, ReturnsFalseAtOnceWhenTheContextHasEnded) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: sleep_for() on an ended context");
  std::stop_source stop;
  stop.request_stop();
  for (const auto duration : {kForever, Clock::duration(1h), Clock::duration(-1h)}) {
    EXPECT_FALSE(Context(stop.get_token()).sleep_for(duration))
        << "cancelled, " << duration.count() << " ns";
    EXPECT_FALSE(Context().with_timeout(-1h).sleep_for(duration))
        << "late, " << duration.count() << " ns";
  }
}

TEST(LinkedContext, EndsWhenEitherParentIsStopped) {
  for (const bool first : {true, false}) {
    std::stop_source a;
    std::stop_source b;
    const LinkedContext linked(Context(a.get_token()), Context(b.get_token()));
    EXPECT_EQ(linked.context().err(), std::nullopt) << "before the stop";
    (first ? a : b).request_stop();
    EXPECT_EQ(linked.context().err(), CancelReason::kCancelled)
        << "stopped: the " << (first ? "first" : "second") << " parent";
  }
}

TEST(LinkedContext, BothParentsMayBeStopped) {
  std::stop_source a;
  std::stop_source b;
  const LinkedContext linked(Context(a.get_token()), Context(b.get_token()));
  a.request_stop();
  b.request_stop();
  EXPECT_EQ(linked.context().err(), CancelReason::kCancelled);
}

TEST(LinkedContext, ParentStoppedBeforeCountsToo) {
  std::stop_source stopped;
  stopped.request_stop();
  const Context ended(stopped.get_token());
  EXPECT_EQ(LinkedContext(ended, Context()).context().err(), CancelReason::kCancelled);
  EXPECT_EQ(LinkedContext(Context(), ended).context().err(), CancelReason::kCancelled);
  EXPECT_EQ(LinkedContext(ended, ended).context().err(), CancelReason::kCancelled);
}

TEST(LinkedContext, NeverEndsWhenNeitherParentDoes) {
  const LinkedContext linked{Context(), Context()};
  EXPECT_EQ(linked.context().err(), std::nullopt);
  EXPECT_TRUE(linked.context().deadline() == kNoDeadline);
}

TEST(LinkedContext, EarlierDeadlineWinsInBothOrders) {
  const Context early = Context().with_timeout(1h);
  const Context late = Context().with_timeout(2h);
  EXPECT_TRUE(LinkedContext(early, late).context().deadline() == early.deadline());
  EXPECT_TRUE(LinkedContext(late, early).context().deadline() == early.deadline());
  EXPECT_TRUE(LinkedContext(Context(), early).context().deadline() == early.deadline());
}

TEST(LinkedContext, IsLateWhenOneParentIsAndCancelledOutranksThat) {
  std::stop_source stop;
  const LinkedContext linked(Context(stop.get_token()), Context().with_timeout(-1h));
  EXPECT_EQ(linked.context().err(), CancelReason::kDeadlineExceeded);
  stop.request_stop();
  EXPECT_EQ(linked.context().err(), CancelReason::kCancelled);
}

TEST(LinkedContext, OneParentsEndIsNotTheOthers) {
  std::stop_source a;
  std::stop_source b;
  const Context first(a.get_token(), Clock::now() - 1h);
  const Context second(b.get_token());
  {
    const LinkedContext linked(first, second);
    a.request_stop();
    ASSERT_EQ(linked.context().err(), CancelReason::kCancelled);
    EXPECT_EQ(second.err(), std::nullopt) << "the end of one parent ended the other";
  }
  EXPECT_EQ(second.err(), std::nullopt) << "unlinking ended a parent";
  EXPECT_FALSE(b.stop_requested());
}

TEST(LinkedContext, EitherParentsStopWakesASleeper) {
  Watchdog watchdog;
  for (int round = 0; round < kRounds; ++round) {
    std::stop_source a;
    std::stop_source b;
    const LinkedContext linked(Context(a.get_token()), Context(b.get_token()));
    expect_stop_ends_sleep(watchdog, round % 2 == 0 ? a : b, linked.context(), kForever);
  }
}

TEST(LinkedContext, HearsNothingOnceItIsGoneButKeepsItsDeadline) {
  std::stop_source stop;
  std::optional<LinkedContext> linked(std::in_place, Context(stop.get_token()),
                                      Context().with_timeout(1h));
  const Context copy = linked->context();
  linked.reset();
  stop.request_stop();  // touches nothing of it: that is for AddressSanitizer to see
  EXPECT_EQ(copy.err(), std::nullopt) << "the unlinked copy heard of the stop";
  EXPECT_TRUE(copy.deadline() != kNoDeadline) << "the unlinked copy lost its deadline";
}

TEST(LinkedContext, CopyStaysStoppedOnceItIsGone) {
  std::stop_source stop;
  std::optional<LinkedContext> linked(std::in_place, Context(stop.get_token()), Context());
  const Context copy = linked->context();
  stop.request_stop();
  linked.reset();
  EXPECT_EQ(copy.err(), CancelReason::kCancelled);
}

TEST(LinkedContext, DestructorWaitsForAStopThatIsBeingPassedOn) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: for the stop to be passed on");
  for (int round = 0; round < 20; ++round) {
    Gate callback(watchdog, "in the callback");
    std::stop_source stop;
    std::optional<LinkedContext> linked(std::in_place, Context(stop.get_token()), Context());
    bool passed_on = false;  // no atomic: ThreadSanitizer sees whether the destructor waited
    const std::stop_callback slow(linked->context().stop_token(), [&] {
      callback.wait();
      passed_on = true;
    });
    auto stopper = watchdog.thread("stopper: request_stop()", [&] { stop.request_stop(); });
    callback.await_arrivals(1);
    auto opener = watchdog.thread("opener: opens the gate", [&] { callback.open(); });
    linked.reset();
    ASSERT_TRUE(passed_on) << "unlinked in the middle of a stop request";
  }
}

TEST(LinkedContext, MayGoAtAnyMomentOfAStopAndIsSilentFromThenOn) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: unlinks");
  for (int round = 0; round < 200; ++round) {
    std::stop_source a;
    std::stop_source b;
    std::optional<LinkedContext> linked(std::in_place, Context(a.get_token()),
                                        Context(b.get_token()));
    int stops = 0;  // no atomic, for the same reason
    const std::stop_callback count(linked->context().stop_token(), [&] { ++stops; });
    auto first = watchdog.thread("first: request_stop()", [&] { a.request_stop(); });
    auto second = watchdog.thread("second: request_stop()", [&] { b.request_stop(); });
    linked.reset();
    const int stops_while_it_lived = stops;
    first.join();
    second.join();
    ASSERT_EQ(stops, stops_while_it_lived) << "a stop arrived after the destructor";
    ASSERT_LE(stops, 1) << "two parents, two stops";
  }
}

TEST(LinkedContext, MayGoDuringAStopWhenNobodyElseKeepsItsStopState) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: unlinks");
  for (int round = 0; round < 100; ++round) {
    std::stop_source stop;
    std::optional<LinkedContext> linked(std::in_place, Context(stop.get_token()), Context());
    EventLog log(watchdog);
    auto stopper = watchdog.thread("stopper: request_stop()", [&] {
      log.add("stops");
      stop.request_stop();
    });
    log.await("stops");
    linked.reset();  // must not pull the stop state from under the stopper: for the sanitizers
    stopper.join();
    ASSERT_TRUE(stop.stop_requested());
  }
}

}  // namespace
}  // namespace worker_pool
