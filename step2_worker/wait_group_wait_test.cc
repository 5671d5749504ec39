// WaitGroup: wait(), wait(ctx) and wait_for(). What ends a wait, and how long it takes.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

#include "step1_job/context.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/wait_group_testing.h"
#include "testing/watchdog.h"

#if defined(__GLIBCXX__) && defined(__GLIBC__)
#include <pthread.h>
#endif

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

TEST(WaitGroup, WithoutMembersDoesNotBlock) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: for an empty group");
  const WaitGroup group;
  group.wait();
  EXPECT_TRUE(group.wait_for(kForever));
  EXPECT_TRUE(group.wait_for(0ns));
  EXPECT_TRUE(group.wait_for(-1ns));
}

TEST(WaitGroup, WaitsForTheLastMemberAndNotOnlyForTheFirst) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: for two members");
  WaitGroup group;
  std::optional first(group.add());
  std::optional second(group.add());
  first.reset();
  EXPECT_FALSE(group.wait_for(1ms)) << "one of two members has not left";
  second.reset();
  EXPECT_TRUE(group.wait_for(kForever));
}

TEST(WaitGroup, WaitEndsWhenItsContextEnds) {
  Watchdog watchdog;
  WaitGroup group;
  std::optional member(group.add());
  std::stop_source stop;
  std::atomic<int> stopped = 0;
  bool other_succeeded = false;
  {
    const auto wait_until = [&](const Context& ctx) {
      if (!group.wait(ctx)) ++stopped;
    };
    auto a = watchdog.thread("waiter a: wait(until stopped)",
                             [&] { wait_until(Context(stop.get_token())); });
    auto b = watchdog.thread("waiter b: wait(until stopped, 1 h at most)",
                             [&] { wait_until(Context(stop.get_token()).with_timeout(1h)); });
    auto c =
        watchdog.thread("waiter c: wait_for(1h)", [&] { other_succeeded = group.wait_for(1h); });
    await_parked(watchdog, group, 3);
    stop.request_stop();
    await_parked(watchdog, group, 1);
    member.reset();
  }
  EXPECT_EQ(stopped, 2) << "a stopped waiter reported an empty group";
  EXPECT_TRUE(other_succeeded) << "a stopped wait ended the wait of another thread";
}

TEST(WaitGroup, WaitWithAnEndedContextDoesNotBlock) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: for wait() with a context that has ended");
  WaitGroup group;
  std::stop_source stop;
  stop.request_stop();
  const Context cancelled(stop.get_token());
  const Context late = Context().with_timeout(0ns);
  EXPECT_TRUE(group.wait(cancelled));
  EXPECT_TRUE(group.wait(late));
  const auto member = group.add();
  EXPECT_FALSE(group.wait(cancelled));
  EXPECT_FALSE(group.wait(late));
}

TEST(WaitGroup, WaitBlocksUntilTheMemberLeaves) {
  Watchdog watchdog;
  WaitGroup group;
  std::optional member(group.add());
  std::atomic<bool> left = false;
  bool left_before_wait_returned = false;
  auto waiter = watchdog.thread("waiter: wait()", [&] {
    group.wait();
    left_before_wait_returned = left;
  });
  await_parked(watchdog, group, 1);
  left = true;
  member.reset();
  waiter.join();
  EXPECT_TRUE(left_before_wait_returned) << "wait() returned before the member left";
}

TEST(WaitGroup, EveryParkedWaiterWakes) {
  Watchdog watchdog;
  WaitGroup group;
  std::optional member(group.add());
  std::array<bool, 2> in_time = {false, false};
  {
    auto a = watchdog.thread("waiter a: wait()", [&] { group.wait(); });
    auto b = watchdog.thread("waiter b: wait()", [&] { group.wait(); });
    auto c = watchdog.thread("waiter c: wait_for(1h)", [&] { in_time[0] = group.wait_for(1h); });
    auto d = watchdog.thread("waiter d: wait_for(1h)", [&] { in_time[1] = group.wait_for(1h); });
    await_parked(watchdog, group, 4);
    member.reset();
  }
  EXPECT_TRUE(in_time[0]);
  EXPECT_TRUE(in_time[1]);
  EXPECT_EQ(group.stats().waiting, 0U) << "a waiter that returned is still counted";
}

TEST(WaitGroup, TimesOutAndSucceedsLater) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: wait_for(1ms)");
  WaitGroup group;
  std::optional member(group.add());
  EXPECT_FALSE(group.wait_for(1ms));
  EXPECT_FALSE(group.wait_for(1ms)) << "the first timeout made the second wait succeed";
  EXPECT_EQ(group.stats().members, 1U) << "a timeout changed the count";
  EXPECT_EQ(group.stats().waiting, 0U) << "a waiter that timed out is still counted";
  member.reset();
  EXPECT_TRUE(group.wait_for(1ms));
}

TEST(WaitGroup, TimeoutIsNotEarly) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: wait_for(10ms)");
  WaitGroup group;
  const auto member = group.add();
  const auto start = Clock::now();
  EXPECT_FALSE(group.wait_for(10ms));
  EXPECT_TRUE(Clock::now() - start >= 10ms) << "timed out early";
}

TEST(WaitGroup, TimedOutWaiterDoesNotAffectOthers) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: wait_for(1ms), then for the others");
  WaitGroup group;
  std::optional member(group.add());
  bool in_time = false;
  {
    auto untimed = watchdog.thread("untimed: wait()", [&] { group.wait(); });
    auto timed = watchdog.thread("timed: wait_for(1h)", [&] { in_time = group.wait_for(1h); });
    await_parked(watchdog, group, 2);
    EXPECT_FALSE(group.wait_for(1ms));
    EXPECT_EQ(group.stats().waiting, 2U) << "the timeout of one ended the wait of another";
    member.reset();
  }
  EXPECT_TRUE(in_time);
}

TEST(WaitGroup, ZeroAndNegativeTimeoutsDoNotBlock) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: wait_for() of zero or less");
  WaitGroup group;
  std::optional member(group.add());
  for (const auto timeout : {0ns, -1ns, Clock::duration::min()}) {
    EXPECT_FALSE(group.wait_for(timeout)) << "timeout: " << timeout.count() << " ns";
  }
  member.reset();
  for (const auto timeout : {0ns, -1ns, Clock::duration::min()}) {
    EXPECT_TRUE(group.wait_for(timeout)) << "timeout: " << timeout.count() << " ns";
  }
}

TEST(WaitGroup, LongestTimeoutsWaitUntilTheMemberLeaves) {
  Watchdog watchdog;
  for (const auto timeout :
       {kForever, kForever - 1ns, kForever / 2, Clock::time_point::max() - Clock::now() - 1h}) {
    WaitGroup group;
    std::optional member(group.add());
    bool in_time = false;
    auto waiter =
        watchdog.thread("waiter: wait_for(very long)", [&] { in_time = group.wait_for(timeout); });
    await_parked(watchdog, group, 1);
    member.reset();
    waiter.join();
    EXPECT_TRUE(in_time) << "timeout: " << timeout.count() << " ns";
  }
}

// Elsewhere, a canceled thread may end without running destructors.
#if defined(__GLIBCXX__) && defined(__GLIBC__)
TEST(WaitGroup, ThreadCanceledInItsWaitNoLongerCountsAsWaiting) {
  Watchdog watchdog;
  WaitGroup group;
  const auto member = group.add();
  for (const auto timeout : {kForever, Clock::duration(1h)}) {
    auto waiter = watchdog.thread("waiter: for the group, until it is canceled",
                                  [&] { (void)group.wait_for(timeout); });
    await_parked(watchdog, group, 1);
    EXPECT_EQ(pthread_cancel(waiter.native_handle()), 0);
    waiter.join();
    EXPECT_EQ(group.stats().waiting, 0u) << "after the canceled thread has exited";
  }
}
#endif

}  // namespace
}  // namespace worker_pool
