// LinkedContext: what each parent ends, and destroying the link during a stop request.
#include "step1_job/linked_context.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "step1_job/context.h"
#include "step1_job/context_testing.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

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

TEST(LinkedContext, EndsAtOnceWhenAParentWasAlreadyStopped) {
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

TEST(LinkedContext, SaysWhichParentStoppedItFirst) {
  for (const bool caller_first : {true, false}) {
    std::stop_source caller;
    ContextSource pool;
    const LinkedContext linked(Context(caller.get_token()), pool.context());
    const LinkedContext child(linked.context(), Context());
    if (caller_first) caller.request_stop();
    pool.request_shut_down();
    caller.request_stop();
    const auto first = caller_first ? CancelReason::kCancelled : CancelReason::kShutDown;
    EXPECT_EQ(linked.context().err(), first);
    EXPECT_EQ(child.context().err(), first) << "a link of a link";
  }
}

TEST(LinkedContext, SaysWhichParentWasStoppedBeforeItExisted) {
  std::stop_source caller;
  ContextSource pool;
  const Context job(caller.get_token());
  pool.request_shut_down();
  EXPECT_EQ(LinkedContext(job, pool.context()).context().err(), CancelReason::kShutDown);
  caller.request_stop();
  EXPECT_EQ(LinkedContext(job, pool.context()).context().err(), CancelReason::kCancelled)
      << "both: the reason is that of the first argument";
}

TEST(LinkedContext, EndingOneParentDoesNotEndTheOther) {
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
  EXPECT_EQ(second.err(), std::nullopt) << "destroying the link ended a parent";
  EXPECT_FALSE(b.stop_requested());
}

TEST(LinkedContext, EitherParentsStopWakesASleeper) {
  Watchdog watchdog;
  for (const bool first : {true, false}) {
    std::stop_source a;
    std::stop_source b;
    const LinkedContext linked(Context(a.get_token()), Context(b.get_token()));
    expect_stop_ends_sleep(watchdog, first ? a : b, linked.context(), kForever);
  }
}

TEST(LinkedContext, CopyKeepsItsDeadlineButSeesNoStopOnceTheLinkIsDestroyed) {
  std::stop_source stop;
  std::optional<LinkedContext> linked(std::in_place, Context(stop.get_token()),
                                      Context().with_timeout(1h));
  const Context copy = linked->context();
  linked.reset();
  stop.request_stop();  // under AddressSanitizer: touches none of the destroyed link
  EXPECT_EQ(copy.err(), std::nullopt) << "the copy saw a stop after its link was destroyed";
  EXPECT_TRUE(copy.deadline() != kNoDeadline) << "the copy lost its deadline";
}

TEST(LinkedContext, CopyStaysStoppedOnceTheLinkIsDestroyed) {
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
    bool passed_on = false;  // not atomic: ThreadSanitizer reports a destructor that did not wait
    const std::stop_callback slow(linked->context().stop_token(), [&] {
      callback.wait();
      passed_on = true;
    });
    auto stopper = watchdog.thread("stopper: request_stop()", [&] { stop.request_stop(); });
    callback.await_arrivals(1);
    auto opener = watchdog.thread("opener: opens the gate", [&] { callback.open(); });
    linked.reset();
    ASSERT_TRUE(passed_on) << "the link was destroyed while a stop was being passed on";
  }
}

TEST(LinkedContext, MayBeDestroyedDuringAStopWhenItHoldsTheLastReferenceToItsStopState) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: destroys the link");
  for (int round = 0; round < 100; ++round) {
    std::stop_source stop;
    std::optional<LinkedContext> linked(std::in_place, Context(stop.get_token()), Context());
    EventLog log(watchdog);
    auto stopper = watchdog.thread("stopper: request_stop()", [&] {
      log.add("stops");
      stop.request_stop();
    });
    log.await("stops");
    linked.reset();  // under the sanitizers: the stopper still uses the stop state
    stopper.join();
    ASSERT_TRUE(stop.stop_requested());
  }
}

}  // namespace
}  // namespace worker_pool
