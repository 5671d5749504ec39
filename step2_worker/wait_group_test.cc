#include "step2_worker/wait_group.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<WaitGroup::Token>, "one member would leave twice");
static_assert(!std::is_copy_assignable_v<WaitGroup::Token>, "one member would leave twice");
static_assert(std::is_nothrow_move_constructible_v<WaitGroup::Token>);
static_assert(std::is_nothrow_move_assignable_v<WaitGroup::Token>);

void await_parked(const Watchdog& watchdog, const WaitGroup& group, std::size_t count) {
  watchdog.await(std::to_string(count) + " to wait for the group",
                 [&] { return group.stats().waiting == count; });
}

TEST(WaitGroup, WithoutMembersKeepsNobodyWaiting) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: for an empty group");
  const WaitGroup group;
  group.wait();
  EXPECT_TRUE(group.wait_for(kForever));
  EXPECT_TRUE(group.wait_for(0ns));
  EXPECT_TRUE(group.wait_for(-1ns));
}

TEST(WaitGroup, CountsAMemberBeforeAnyThreadHasTheToken) {
  WaitGroup group;
  EXPECT_EQ(group.stats().members, 0U);
  const auto first = group.add();
  EXPECT_EQ(group.stats().members, 1U);
  const auto second = group.add();
  EXPECT_EQ(group.stats().members, 2U);
}

TEST(WaitGroup, TokenLeavesWhenItsScopeEnds) {
  WaitGroup group;
  {
    const auto done = group.add();
  }
  EXPECT_EQ(group.stats().members, 0U);
}

TEST(WaitGroup, TokenLeavesWhenItsScopeEndsByAnException) {
  WaitGroup group;
  try {
    const auto done = group.add();
    throw std::runtime_error("the worker failed");
  } catch (const std::runtime_error&) {
    EXPECT_EQ(group.stats().members, 0U);
  }
}

TEST(WaitGroup, WaitsForTheLastMemberAndNotOnlyForTheFirst) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: for two members");
  WaitGroup group;
  std::optional first(group.add());
  std::optional second(group.add());
  first.reset();
  EXPECT_FALSE(group.wait_for(1ms)) << "one of two members is still there";
  second.reset();
  EXPECT_TRUE(group.wait_for(kForever));
}

TEST(WaitGroup, WaitGivesUpWhenItsContextEnds) {
  Watchdog watchdog;
  WaitGroup group;
  std::optional member(group.add());
  std::stop_source stop;
  std::atomic<int> gave_up = 0;
  bool patient_saw_the_end = false;
  {
    const auto give_up = [&](const Context& ctx) {
      if (!group.wait(ctx)) ++gave_up;
    };
    auto a = watchdog.thread("waiter a: wait(until stopped)",
                             [&] { give_up(Context(stop.get_token())); });
    auto b = watchdog.thread("waiter b: wait(until stopped, 1 h at most)",
                             [&] { give_up(Context(stop.get_token()).with_timeout(1h)); });
    auto c = watchdog.thread("waiter c: wait_for(1h)",
                             [&] { patient_saw_the_end = group.wait_for(1h); });
    await_parked(watchdog, group, 3);
    stop.request_stop();
    await_parked(watchdog, group, 1);
    member.reset();
  }
  EXPECT_EQ(gave_up, 2) << "a stopped waiter said that the group was empty";
  EXPECT_TRUE(patient_saw_the_end) << "whoever gives up must not disturb the others";
}

TEST(WaitGroup, WaitWithAContextThatHasEndedIsALook) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: for a look at the group");
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
  EXPECT_TRUE(left_before_wait_returned) << "wait() returned while the member was there";
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
  EXPECT_EQ(group.stats().waiting, 0U) << "a waiter that gave up is still counted";
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
  EXPECT_TRUE(Clock::now() - start >= 10ms) << "gave up early";
}

TEST(WaitGroup, TimedOutWaiterDisturbsNoOther) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: wait_for(1ms), then for the others");
  WaitGroup group;
  std::optional member(group.add());
  bool in_time = false;
  {
    auto patient = watchdog.thread("patient: wait()", [&] { group.wait(); });
    auto timed = watchdog.thread("timed: wait_for(1h)", [&] { in_time = group.wait_for(1h); });
    await_parked(watchdog, group, 2);
    EXPECT_FALSE(group.wait_for(1ms));
    EXPECT_EQ(group.stats().waiting, 2U) << "the timeout of one ended the wait of another";
    member.reset();
  }
  EXPECT_TRUE(in_time);
}

TEST(WaitGroup, ZeroAndNegativeTimeoutsOnlyLook) {
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

TEST(WaitGroup, MayBeUsedAgain) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: for an empty group");
  WaitGroup group;
  {
    const auto done = group.add();
  }
  group.wait();
  std::optional member(group.add());
  EXPECT_FALSE(group.wait_for(0ns)) << "the new member was not waited for";
  member.reset();
  EXPECT_TRUE(group.wait_for(0ns));
}

TEST(WaitGroup, ShowsWhatAMemberDidBeforeItLeft) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: for three members");
  for (int round = 0; round < 20; ++round) {
    WaitGroup group;
    std::array<int, 3> written = {};  // no atomics: ThreadSanitizer sees whether wait() orders them
    Gate after_wait(watchdog, "after wait()");
    std::vector<std::jthread> members;
    for (int& place : written) {
      members.push_back(watchdog.thread("member: leaves", [&, done = group.add()]() mutable {
        place = 1;
        {
          const auto leaves = std::move(done);
        }
        after_wait.wait();  // so that no join() can order what wait() did not
      }));
    }
    if (round % 2 == 0) {
      group.wait();
    } else {
      EXPECT_TRUE(group.wait_for(1h));
    }
    EXPECT_EQ(std::accumulate(written.begin(), written.end(), 0), 3);
    after_wait.open();
  }
}

TEST(WaitGroup, MayBeDestroyedRightAfterWait) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: for the member");
  for (int round = 0; round < 200; ++round) {
    auto group = std::make_unique<WaitGroup>();
    auto member = watchdog.thread("member: leaves", [done = group->add()] {});
    group->wait();
    group.reset();  // the member may still be on its way out: that is for the sanitizers to see
  }
}

TEST(WaitGroup, TokenMayOutliveTheLastHandle) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("main: wait_for(1ms)");
  Gate end(watchdog, "end of the late worker");
  std::jthread late;
  {
    WaitGroup group;
    late = watchdog.thread("late worker: leaves", [&end, done = group.add()] { end.wait(); });
    EXPECT_FALSE(group.wait_for(1ms));
  }
  end.open();  // what the token touches must still be there: that is for the sanitizers to see
}

TEST(WaitGroup, CopiesStandForTheSameGroup) {
  Watchdog watchdog;
  WaitGroup group;
  std::optional<WaitGroup::Token> member;
  {
    WaitGroup copy = group;
    member.emplace(copy.add());
    EXPECT_EQ(group.stats().members, 1U) << "joined through the copy";
    EXPECT_FALSE(group.wait_for(0ns));
  }
  EXPECT_EQ(group.stats().members, 1U) << "the end of a copy made its member leave";
  auto waiter = watchdog.thread("waiter: wait()", [&] { group.wait(); });
  await_parked(watchdog, group, 1);
  member.reset();
}

TEST(WaitGroup, AssignedHandleStandsForTheOtherGroup) {
  WaitGroup group;
  const auto member = group.add();
  WaitGroup other;
  other = group;
  EXPECT_EQ(other.stats().members, 1U);
}

TEST(WaitGroup, MovedFromHandleStillHasItsGroup) {
  WaitGroup group;
  const auto member = group.add();
  const WaitGroup moved = std::move(group);
  EXPECT_EQ(moved.stats().members, 1U);
  EXPECT_EQ(group.stats().members, 1U);  // NOLINT(bugprone-use-after-move): that is the promise
}

TEST(WaitGroup, ManyThreadsMayJoinLeaveAndWaitAtOnce) {
  Watchdog watchdog;
  WaitGroup group;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.push_back(watchdog.thread("user: joins, leaves, waits", [&group] {
        for (int round = 0; round < 200; ++round) {
          {
            const auto done = WaitGroup(group).add();
          }
          group.wait();
          (void)group.wait_for(1us);
          (void)group.stats();
        }
      }));
    }
  }
  EXPECT_EQ(group.stats().members, 0U);
  EXPECT_EQ(group.stats().waiting, 0U);
}

TEST(WaitGroupToken, MovedFromTokenIsNobody) {
  WaitGroup group;
  std::optional token(group.add());
  std::optional moved(std::move(*token));
  EXPECT_EQ(group.stats().members, 1U) << "a move changed the count";
  token.reset();
  EXPECT_EQ(group.stats().members, 1U) << "the moved-from token left the group";
  moved.reset();
  EXPECT_EQ(group.stats().members, 0U) << "the token that was moved to stayed";
}

TEST(WaitGroupToken, MoveAssignedTokenLeavesItsOldGroup) {
  Watchdog watchdog;
  WaitGroup from;
  WaitGroup to;
  auto token = from.add();
  auto waiter = watchdog.thread("waiter: for the old group", [&] { from.wait(); });
  await_parked(watchdog, from, 1);
  token = to.add();
  waiter.join();
  EXPECT_EQ(from.stats().members, 0U);
  EXPECT_EQ(to.stats().members, 1U);
}

TEST(WaitGroupToken, MoveAssignedTokenTakesTheMembershipOver) {
  WaitGroup from;
  WaitGroup to;
  auto token = from.add();
  {
    auto source = to.add();
    token = std::move(source);
    EXPECT_EQ(from.stats().members, 0U) << "the old group was left only later";
  }
  EXPECT_EQ(to.stats().members, 1U) << "the moved-from token left the group";
}

TEST(WaitGroupToken, LeavesWhenNobodyIsAssignedToIt) {
  WaitGroup group;
  auto token = group.add();
  auto nobody = group.add();
  {
    const auto taken = std::move(nobody);
  }
  token = std::move(nobody);  // NOLINT(bugprone-use-after-move): that is what "nobody" means
  EXPECT_EQ(group.stats().members, 0U);
}

TEST(WaitGroupToken, SurvivesAMoveToItself) {
  WaitGroup group;
  std::optional token(group.add());
  auto& itself = *token;  // by another name, or the compiler warns
  *token = std::move(itself);
  EXPECT_EQ(group.stats().members, 1U) << "the token left its group";
  token.reset();
  EXPECT_EQ(group.stats().members, 0U) << "the token lost its group";
}

}  // namespace
}  // namespace worker_pool
