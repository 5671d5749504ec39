// What the explorer guarantees: which schedules it runs, that the same options give the same
// schedules, virtual time, and what fails a schedule.
#include "testing/lab/explorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "testing/lab/lab.h"

namespace worker_pool::lab {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// All schedules with at most `preemptions`, no spurious wake-ups and no random schedules.
Options systematic(int preemptions) {
  return {.max_preemptions = preemptions, .max_spurious_wakeups = 0, .random_schedules = 0};
}

// --- How many schedules ------------------------------------------------------------------------

TEST(Explorer, OneThreadHasOneScheduleForEachLimit) {
  const Result result = explore(systematic(2), [] { atomic<int>(0).store(1); });
  EXPECT_FALSE(result.failed) << result.story;
  EXPECT_EQ(result.schedules, 3u) << "one with at most 0 preemptions, one with 1, one with 2";
  EXPECT_TRUE(result.exhaustive);
}

// main:    start  | store | join
// worker:           | store | exit
// The bars are the points where the other thread may run next. With 0 preemptions, main runs until
// it joins: 1 schedule. With at most 1, main is not interrupted, or interrupted after start or
// before its store: 3. With at most 2, in the latter two the worker may be interrupted as well,
// before its store or before its exit: 7.
TEST(Explorer, TwoThreadsWithOneOperationEachHaveTheSchedulesCountedByHand) {
  const auto scenario = [] {
    atomic<int> value(0);
    thread worker("worker", [&] { value.store(1); });
    value.store(2);
    worker.join();
  };
  EXPECT_EQ(explore(systematic(0), scenario).schedules, 1u);
  EXPECT_EQ(explore(systematic(1), scenario).schedules, 1u + 3u);
  EXPECT_EQ(explore(systematic(2), scenario).schedules, 1u + 3u + 7u);
}

// Without preemptions, any ready thread may run next when a thread exits or waits. That gives all
// 3! orders, some of them more than once, because main may run between threads that it does not
// wait for: 7 schedules begin with a, for which main waits first, and 3 each with b and c.
TEST(Explorer, ThreadsThatAreReadyRunInEveryOrder) {
  std::vector<std::string> orders;
  const Result result = explore(systematic(0), [&] {
    std::string order;
    thread a("a", [&] { order += 'a'; });
    thread b("b", [&] { order += 'b'; });
    thread c("c", [&] { order += 'c'; });
    a.join();
    b.join();
    c.join();
    orders.push_back(order);
  });
  EXPECT_EQ(result.schedules, 7u + 3u + 3u);
  EXPECT_THAT(std::set(orders.begin(), orders.end()),
              ::testing::ElementsAre("abc", "acb", "bac", "bca", "cab", "cba"));
}

TEST(Explorer, AnyWaiterMayBeTheOneThatIsNotified) {
  std::vector<std::string> first;
  const Result result = explore(systematic(0), [&] {
    mutex m;
    condition_variable changed;
    int turns = 0;
    std::string order;
    const auto wait = [&](char name) {
      std::unique_lock lock(m);
      changed.wait(lock, [&] { return turns > 0; });
      --turns;
      order += name;
    };
    thread a("a", wait, 'a');
    thread b("b", wait, 'b');
    this_thread::sleep_for(1ns);  // until both sleep
    for (int i = 0; i < 2; ++i) {
      {
        const std::lock_guard lock(m);
        ++turns;
      }
      changed.notify_one();
    }
    a.join();
    b.join();
    first.push_back(order.substr(0, 1));
  });
  EXPECT_FALSE(result.failed) << result.story;
  EXPECT_THAT(first, ::testing::Contains("a"));
  EXPECT_THAT(first, ::testing::Contains("b"));
}

// A lost update needs one preemption, between the load and the store of one thread.
void lost_update() {
  atomic<int> counter(0);
  const auto increment = [&] { counter.store(counter.load() + 1); };
  thread worker("worker", increment);
  increment();
  worker.join();
  check(counter.load() == 2, "an update was lost");
}

TEST(Explorer, BugOfDepthOneIsFoundWithOnePreemptionAndNotWithNone) {
  EXPECT_FALSE(explore(systematic(0), lost_update).failed);
  const Result result = explore(systematic(1), lost_update);
  EXPECT_TRUE(result.failed);
  EXPECT_EQ(result.preemptions, 1);
  EXPECT_EQ(result.verdict, "an update was lost");
}

// --- Replay --------------------------------------------------------------------------------------

TEST(Explorer, SameOptionsGiveTheSameResult) {
  const Result first = explore({}, lost_update);
  const Result second = explore({}, lost_update);
  EXPECT_EQ(first.story, second.story);
  EXPECT_EQ(first.schedule, second.schedule);
  EXPECT_EQ(first.schedules, second.schedules);
}

TEST(Explorer, RandomSchedulesFindItToo) {
  const Options random = {.max_preemptions = -1, .random_schedules = 1'000, .seed = 7};
  const Result first = explore(random, lost_update);
  EXPECT_TRUE(first.failed);
  EXPECT_EQ(first.schedule, explore(random, lost_update).schedule) << "same seed, same schedule";
}

TEST(Explorer, FailingScheduleIsReplayed) {
  const Result found = explore({}, lost_update);
  ASSERT_TRUE(found.failed);
  const Result replayed = explore({.replay = found.schedule}, lost_update);
  EXPECT_EQ(replayed.schedules, 1u);
  EXPECT_EQ(replayed.story, found.story);
}

// Timeouts and spurious wake-ups are both choices, which must not be confused.
TEST(Explorer, LoopOfTimedWaitsEndsWithoutPreemptions) {
  const auto scenario = [] {
    mutex m;
    condition_variable changed;
    bool done = false;
    thread worker("worker", [&] {
      std::unique_lock lock(m);
      while (!done) changed.wait_for(lock, 1ms);
    });
    {
      const std::lock_guard lock(m);
      done = true;
    }
    changed.notify_one();
    worker.join();
  };
  const Result result = explore({.max_preemptions = 1,
                                 .max_spurious_wakeups = 1,
                                 .max_steps = 50,
                                 .max_schedules = 100,
                                 .random_schedules = 0},
                                scenario);
  EXPECT_FALSE(result.failed) << result.story;
  EXPECT_TRUE(result.exhaustive) << "after " << result.schedules << " schedules";
}

TEST(Explorer, LimitOfSchedulesIsKept) {
  const Options few = {.max_schedules = 3, .random_schedules = 2};
  const Result result = explore(few, [] {
    atomic<int> value(0);
    thread worker("worker", [&] { value.store(1); });
    value.store(2);
    worker.join();
  });
  EXPECT_EQ(result.schedules, 5u) << "3 systematic, 2 random";
  EXPECT_FALSE(result.exhaustive);
}

// --- Time --------------------------------------------------------------------------------------

TEST(Explorer, ClockJumpsWhenNoThreadCanRun) {
  const Result result = explore(systematic(0), [] {
    const auto begin = steady_clock::now();
    thread late("late", [] { this_thread::sleep_for(2h); });
    this_thread::sleep_for(1h);
    check(steady_clock::now() - begin == 1h, "an hour is an hour");
    late.join();
    check(steady_clock::now() - begin == 2h, "two hours are two hours");
  });
  EXPECT_FALSE(result.failed) << result.story;
}

TEST(Explorer, TimedWaitEndsExactlyAtItsTimeout) {
  const Result result = explore({}, [] {
    mutex m;
    condition_variable never;
    std::unique_lock lock(m);
    const auto begin = steady_clock::now();
    check(!never.wait_for(lock, 1h, [] { return false; }), "it never became true");
    check(steady_clock::now() - begin == 1h, "not early, not late");
  });
  EXPECT_FALSE(result.failed) << result.story;
}

TEST(Explorer, SleepDoesNotMakeAnotherThreadRunFirst) {
  const auto scenario = [] {
    bool ready = false;
    thread worker("worker", [&] {
      this_thread::yield();
      ready = true;
    });
    this_thread::sleep_for(1h);  // surely enough?
    check(ready, "the worker was slower than that");
    worker.join();
  };
  EXPECT_FALSE(explore(systematic(0), scenario).failed);
  EXPECT_EQ(explore(systematic(1), scenario).verdict, "the worker was slower than that");
}

// --- Verdicts ----------------------------------------------------------------------------------

std::string verdict_of(const std::function<void()>& scenario) {
  return explore({}, scenario).verdict;
}

TEST(ExplorerVerdict, DeadlockNamesEachThreadAndWhatItWaitsFor) {
  const Result result = explore({}, [] {
    mutex m("table");
    condition_variable never("never");
    thread worker("worker", [&] {
      std::unique_lock lock(m);
      never.wait(lock);
    });
    worker.join();
  });
  EXPECT_EQ(result.verdict,
            "deadlock: main waits forever for worker to exit; worker waits forever on never");
}

TEST(ExplorerVerdict, ScenarioOverWithAThreadStillRunning) {
  EXPECT_EQ(verdict_of([] { thread("worker", [] { this_thread::yield(); }).detach(); }),
            "the scenario returned while worker is still running");
}

TEST(ExplorerVerdict, ThreadNeitherJoinedNorDetached) {
  EXPECT_THAT(verdict_of([] { thread worker("worker", [] {}); }),
              HasSubstr("worker was neither joined nor detached"));
}

TEST(ExplorerVerdict, ThreadEndsWithALockHeld) {
  EXPECT_EQ(verdict_of([] {
              mutex m;
              thread worker("worker", [&] { m.lock(); });
              worker.join();
            }),
            "worker exits while it holds a lock");
}

TEST(ExplorerVerdict, LockReleasedByAThreadThatDoesNotHoldIt) {
  EXPECT_EQ(verdict_of([] {
              mutex m("mutex");
              m.lock();
              thread worker("worker", [&] { m.unlock(); });
              worker.join();
            }),
            "worker unlocks mutex, which it does not hold");
}

TEST(ExplorerVerdict, LockTakenTwice) {
  EXPECT_EQ(verdict_of([] {
              mutex m("mutex");
              m.lock();
              m.lock();
            }),
            "main locks mutex, which it holds already");
}

TEST(ExplorerVerdict, ExceptionLeavesAThread) {
  EXPECT_THAT(verdict_of([] {
                thread worker("worker", [] { throw std::runtime_error("no disk"); });
                worker.join();
              }),
              HasSubstr("an exception escaped from thread worker (\"no disk\")"));
}

TEST(ExplorerVerdict, RunThatNeverEnds) {
  int turns = 0;
  const Result result = explore({.max_steps = 50}, [&] {
    for (;; ++turns) this_thread::yield();
  });
  EXPECT_EQ(result.verdict, "no end after 50 steps, the last one of main: a thread loops forever");
  EXPECT_EQ(turns, 50);
}

TEST(ExplorerVerdict, ThreadJoinsItself) {
  EXPECT_EQ(verdict_of([] {
              thread worker;
              worker = thread("worker", [&] { worker.join(); });
              this_thread::sleep_for(1ns);
            }),
            "worker joins itself");
}

// A failed check does not throw, so nothing can catch it and a destructor may fail.
TEST(ExplorerVerdict, CheckFailsInNoexceptCode) {
  EXPECT_EQ(verdict_of([] {
              const auto fail = [](int*) noexcept { check(false, "the destructor says no"); };
              int value = 0;
              const std::unique_ptr<int, decltype(fail)> owner(&value, fail);
            }),
            "the destructor says no");
}

TEST(ExplorerVerdict, CheckCannotBeCaught) {
  EXPECT_EQ(verdict_of([] {
              try {
                check(false, "the first one");
              } catch (...) {
              }
              check(false, "the second one");
            }),
            "the first one");
}

// --- Misuse ------------------------------------------------------------------------------------

TEST(ExplorerDeathTest, StdMutexInTheLabIsExplainedAndDoesNotHang) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(explore({.stall_limit_ms = 100},
                      [] {
                        std::mutex m;
                        const std::lock_guard lock(m);
                        thread worker("worker", [&] { const std::lock_guard second(m); });
                        worker.join();
                      }),
              ::testing::ExitedWithCode(1),
              "\"worker\" is blocked outside the lab.*use lab::mutex");
}

// Only a thread that runs can be in a loop.
TEST(ExplorerDeathTest, LoopWithoutAStepIsExplained) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      explore({.stall_limit_ms = 100},
              [] {
                atomic<bool> stop(false, "stop");
                thread worker("worker", [&] {
                  for (volatile bool stopped = stop; !stopped;) continue;
                });
                worker.join();
              }),
      ::testing::ExitedWithCode(1),
      "a loop that never ends, in worker. The story ends with: worker sees stop = false. Or "
      "thread \"worker\" is blocked.*std::mutex");
}

TEST(ExplorerDeathTest, LabTypeOutsideTheLabIsExplained) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(mutex(), ::testing::ExitedWithCode(1), "used outside lab::explore");
}

TEST(ExplorerDeathTest, LabTypeOnAStdThreadIsExplained) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(explore({},
                      [] {
                        mutex m;
                        std::thread([&] { m.lock(); }).join();
                      }),
              ::testing::ExitedWithCode(1), "on a std::thread inside it.*use lab::thread");
}

// A busy machine is slow, not stalled: the limit is for one step, not for the whole schedule.
TEST(Explorer, SlowScheduleIsNotTakenForAStuckOne) {
  const Options one = {.max_preemptions = 0,
                       .max_spurious_wakeups = 0,
                       .random_schedules = 0,
                       .stall_limit_ms = 1'000};
  const Result result = explore(one, [] {
    for (int i = 0; i < 12; ++i) {
      std::this_thread::sleep_for(100ms);
      this_thread::yield();
    }
  });
  EXPECT_TRUE(result.exhaustive);
}

}  // namespace
}  // namespace worker_pool::lab
