// WaitGroup: its count, its tokens and its handles. Waiting, with and without a time limit, is
// tested in wait_group_wait_test.cc.
#include "step2_worker/wait_group.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "step2_worker/wait_group_testing.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<WaitGroup::Token>, "one member would leave twice");
static_assert(!std::is_copy_assignable_v<WaitGroup::Token>, "one member would leave twice");
static_assert(std::is_nothrow_move_constructible_v<WaitGroup::Token>);
static_assert(std::is_nothrow_move_assignable_v<WaitGroup::Token>);

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
    // Not atomic: ThreadSanitizer reports a wait() that does not order them.
    std::array<int, 3> written = {};
    Gate after_wait(watchdog, "after wait()");
    std::vector<std::jthread> members;
    for (int& place : written) {
      members.push_back(watchdog.thread("member: leaves", [&, done = group.add()]() mutable {
        place = 1;
        {
          const auto leaves = std::move(done);
        }
        after_wait.wait();  // so that join() cannot order what wait() did not
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
    group.reset();  // under the sanitizers: the member may still be releasing its token
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
  end.open();  // under the sanitizers: what the token uses must still exist
}

TEST(WaitGroup, CopiesReferToTheSameGroup) {
  Watchdog watchdog;
  WaitGroup group;
  std::optional<WaitGroup::Token> member;
  {
    WaitGroup copy = group;
    member.emplace(copy.add());
    EXPECT_EQ(group.stats().members, 1U) << "added through the copy";
    EXPECT_FALSE(group.wait_for(0ns));
  }
  EXPECT_EQ(group.stats().members, 1U) << "destroying a copy made its member leave";
  auto waiter = watchdog.thread("waiter: wait()", [&] { group.wait(); });
  await_parked(watchdog, group, 1);
  member.reset();
}

TEST(WaitGroup, AssignedHandleRefersToTheOtherGroup) {
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
  EXPECT_EQ(group.stats().members, 1U);  // NOLINT(bugprone-use-after-move): guaranteed
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

TEST(WaitGroupToken, MovedFromTokenIsNoMember) {
  WaitGroup group;
  std::optional token(group.add());
  std::optional moved(std::move(*token));
  EXPECT_EQ(group.stats().members, 1U) << "a move changed the count";
  token.reset();
  EXPECT_EQ(group.stats().members, 1U) << "the moved-from token left the group";
  moved.reset();
  EXPECT_EQ(group.stats().members, 0U) << "the moved-to token did not leave";
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
    EXPECT_EQ(from.stats().members, 0U) << "the assignment did not leave the old group";
  }
  EXPECT_EQ(to.stats().members, 1U) << "the moved-from token left the group";
}

TEST(WaitGroupToken, LeavesWhenAMovedFromTokenIsAssignedToIt) {
  WaitGroup group;
  auto token = group.add();
  auto moved_from = group.add();
  {
    const auto taken = std::move(moved_from);
  }
  token = std::move(moved_from);  // NOLINT(bugprone-use-after-move): guaranteed
  EXPECT_EQ(group.stats().members, 0U);
}

TEST(WaitGroupToken, SurvivesAMoveToItself) {
  WaitGroup group;
  std::optional token(group.add());
  auto& itself = *token;  // a second name, because the compiler warns of a self-move
  *token = std::move(itself);
  EXPECT_EQ(group.stats().members, 1U) << "a move to itself left the group";
  token.reset();
  EXPECT_EQ(group.stats().members, 0U) << "a move to itself lost the group";
}

}  // namespace
}  // namespace worker_pool
