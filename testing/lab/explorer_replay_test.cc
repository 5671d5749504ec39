// A failing schedule can be replayed, whatever kinds of choices it contains, and its story is the
// same text on every machine.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>

#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"

namespace worker_pool::lab {
namespace {

using namespace std::chrono_literals;

// Preemptions, spurious wake-ups and timeouts are all possible here, and the story shows them all.
void wait_with_timeout() {
  mutex m;
  condition_variable changed("changed");
  bool is_set = false;
  thread worker("worker", [&] {
    std::unique_lock lock(m);
    while (!is_set) {
      if (changed.wait_for(lock, 1ms) == cv_status::timeout) break;
    }
  });
  {
    const std::lock_guard lock(m);
    is_set = true;
    note("sets it");
  }
  changed.notify_one();
  worker.join();
}

// Makes the `number`th schedule fail, in its last step.
Result fail_at(std::size_t number, const Options& options) {
  std::size_t count = 0;
  return explore(options, [&] {
    wait_with_timeout();
    check(++count != number, "this one");
  });
}

TEST(ExplorerReplay, EveryScheduleCanBeReplayed) {
  const std::size_t all = explore({.random_schedules = 20}, wait_with_timeout).schedules;
  ASSERT_GT(all, 50u);
  std::size_t with_spurious_wakeup = 0;
  std::size_t with_timeout = 0;
  for (std::size_t i = 1; i <= all; i += 5) {
    const Result found = fail_at(i, {.random_schedules = 20});
    ASSERT_EQ(found.schedules, i);
    const Result replayed = fail_at(1, {.replay = found.schedule});
    EXPECT_EQ(replayed.story, found.story) << "schedule " << i << ", replay of " << found.schedule;
    EXPECT_EQ(replayed.schedule, found.schedule);
    EXPECT_EQ(replayed.preemptions, found.preemptions);
    if (found.story.find("spurious") != std::string::npos) ++with_spurious_wakeup;
    if (found.story.find("timed out") != std::string::npos) ++with_timeout;
  }
  EXPECT_GT(with_spurious_wakeup, 0u);
  EXPECT_GT(with_timeout, 0u);
}

TEST(ExplorerReplay, RunsOneScheduleWhetherItFailsOrNot) {
  const Result result = explore({.replay = "0"}, wait_with_timeout);
  EXPECT_FALSE(result.failed) << result.story;
  EXPECT_EQ(result.schedules, 1u);
  EXPECT_FALSE(result.exhaustive);
}

TEST(ExplorerReplay, WhatIsNoScheduleIsRefused) {
  for (const std::string text : {"all", "-1", "0..1"}) {
    try {
      (void)explore({.replay = text}, wait_with_timeout);
      ADD_FAILURE() << "\"" << text << "\" was taken";
    } catch (const std::invalid_argument& e) {
      EXPECT_EQ(e.what(), "\"" + text + "\" is not a schedule; 0.1.0.2 would be one");
    }
  }
}

TEST(ExplorerReplay, ScheduleOfAnotherScenarioIsNoticed) {
  EXPECT_EQ(explore({.replay = "9"}, wait_with_timeout).verdict,
            "the schedule to replay belongs to another scenario");
}

// State that a run leaves behind, such as a static variable.
TEST(ExplorerReplay, ScenarioThatDoesNotDoTheSameAgainIsNoticed) {
  int runs = 0;
  const Result result = explore({}, [&] {
    jthread worker("worker", [] { this_thread::yield(); });
    jthread another;
    if (++runs % 2 == 0) another = jthread("another", [] { this_thread::yield(); });
    this_thread::yield();
  });
  EXPECT_EQ(result.verdict,
            "the scenario behaved differently in another run: does it keep state between runs?");
}

TEST(ExplorerReplay, ScenarioThatHasFewerChoicesInAnotherRunIsNoticed) {
  int runs = 0;
  const Result result = explore({}, [&] {
    if (++runs > 1) return;
    jthread one("one", [] {});
    jthread other("other", [] {});
  });
  EXPECT_EQ(result.verdict,
            "the scenario behaved differently in another run: does it keep state between runs?");
}

// --- Random schedules ----------------------------------------------------------------------------

std::string random_verdict(const std::function<void()>& scenario, bool stale_reads = false) {
  const Options options = {
      .max_preemptions = -1, .random_schedules = 200, .seed = 1, .stale_reads = stale_reads};
  return explore(options, scenario).verdict;
}

TEST(ExplorerRandom, ATryLockMayFailForNoReason) {
  EXPECT_EQ(random_verdict([] {
              mutex m;
              check(m.try_lock(), "refused");
              m.unlock();
            }),
            "refused");
}

TEST(ExplorerRandom, ALoadMayReturnAnOlderValue) {
  const auto scenario = [] {
    atomic<int> first(0);
    atomic<int> second(0);
    jthread writer("writer", [&] {
      first.store(1, std::memory_order_relaxed);
      second.store(1, std::memory_order_relaxed);
    });
    if (second.load(std::memory_order_relaxed) == 0) return;
    check(first.load(std::memory_order_relaxed) == 1, "the second without the first");
  };
  EXPECT_EQ(random_verdict(scenario), "");
  EXPECT_EQ(random_verdict(scenario, true), "the second without the first");
}

// --- The text ----------------------------------------------------------------------------------

void lost_update() {
  mutex m("lock");
  condition_variable changed("changed");
  atomic<int> counter(0, "counter");
  int done = 0;
  const auto increment = [&] {
    counter.store(counter.load() + 1);
    const std::lock_guard lock(m);
    ++done;
    changed.notify_one();
  };
  thread worker("worker", increment);
  increment();
  {
    std::unique_lock lock(m);
    changed.wait(lock, [&] { return done == 2; });
  }
  worker.join();
  check(counter.load() == 2, "an update was lost");
}

constexpr char kStory[] =
    "  main                                    worker\n"
    "  --------------------------------------  --------------------------------------\n"
    "  sees counter = 0\n"
    "                                          sees counter = 0\n"
    "                                          sets counter = 1\n"
    "                                          notifies changed: no thread is waiting\n"
    "                                          exits\n"
    "  sets counter = 1\n"
    "  notifies changed: no thread is waiting\n"
    "  sees counter = 1\n"
    "  an update was lost\n";

TEST(ExplorerStory, IsTheSameTextOnEveryMachine) {
  const Result result = explore({.random_schedules = 0}, lost_update);
  EXPECT_EQ(result.story, kStory);
  EXPECT_EQ(result.schedule, "0.0.1");
  EXPECT_EQ(result.preemptions, 1);
  EXPECT_EQ(result.schedules, 11u);
}

TEST(ExplorerStory, OfRandomSchedulesIsTheSameTextOnEveryMachine) {
  const Result result = explore({.max_preemptions = -1, .seed = 7}, lost_update);
  EXPECT_EQ(result.story, kStory);
  EXPECT_EQ(result.schedule, "0.0.1");
  EXPECT_EQ(result.schedules, 5u);
}

// Two more threads give a random schedule switches that have nothing to do with the bug.
TEST(ExplorerStory, HasFewerSwitchesThanTheScheduleThatWasFound) {
  const Result result = explore({.max_preemptions = -1, .seed = 3}, [] {
    mutex unrelated;
    const auto work = [&] {
      for (int i = 0; i < 3; ++i) const std::lock_guard lock(unrelated);
    };
    thread one("one", work);
    thread other("other", work);
    lost_update();
    one.join();
    other.join();
  });
  EXPECT_EQ(result.verdict, "an update was lost");
  EXPECT_LE(result.preemptions, 3) << result.story;  // six before
}

TEST(ExplorerStory, HasOnlyTheLastLinesOfALongRun) {
  const Result result = explore({}, [] {
    for (int i = 1; i <= 25; ++i) note("does step " + std::to_string(i));
    check(false, "enough");
  });
  std::string expected = "  (13 steps before these)\n";
  for (int i = 14; i <= 25; ++i) expected += "  main  does step " + std::to_string(i) + "\n";
  EXPECT_EQ(result.story, expected + "  enough\n");
}

TEST(ExplorerStory, LeavesOutNoSingleStep) {
  const Result result = explore({}, [] {
    for (int i = 1; i <= 13; ++i) note("does step " + std::to_string(i));
    check(false, "enough");
  });
  std::string expected;
  for (int i = 1; i <= 13; ++i) expected += "  main  does step " + std::to_string(i) + "\n";
  EXPECT_EQ(result.story, expected + "  enough\n");
}

// --- Time --------------------------------------------------------------------------------------

void sleep_long_enough() {
  bool ready = false;
  thread worker("worker", [&] {
    this_thread::yield();
    ready = true;
  });
  this_thread::sleep_for(1h);
  check(ready, "the worker was slower than that");
  worker.join();
}

TEST(ExplorerTime, MayPassBetweenTwoReadingsOfTheClock) {
  const auto scenario = [] {
    thread sleeper("sleeper", [] { this_thread::sleep_for(1h); });
    this_thread::yield();
    const bool is_late = steady_clock::now().time_since_epoch() >= 1h;
    const bool is_in_time = steady_clock::now().time_since_epoch() < 1h;
    check(is_late || is_in_time, "neither late nor in time");
    sleeper.join();
  };
  EXPECT_TRUE(explore({.early_timeouts = true}, scenario).failed);
  EXPECT_FALSE(explore({.early_timeouts = false}, scenario).failed);
}

TEST(ExplorerTime, ThreadsAreNeverThatSlowWithoutEarlyTimeouts) {
  EXPECT_TRUE(explore({.early_timeouts = true}, sleep_long_enough).failed);
  const Result result = explore({.early_timeouts = false}, sleep_long_enough);
  EXPECT_FALSE(result.failed) << result.story;
  EXPECT_TRUE(result.exhaustive);
}

TEST(ExplorerTime, EarlyTimeoutCountsAsAPreemption) {
  const Result result = explore({}, sleep_long_enough);
  EXPECT_EQ(result.preemptions, 1);
  EXPECT_FALSE(explore({.max_preemptions = 0, .random_schedules = 0}, sleep_long_enough).failed);
}

// Also while no other thread could run.
TEST(ExplorerTime, TimedWaitMayEndBeforeItsTime) {
  const auto scenario = [] {
    mutex m;
    condition_variable never;
    std::unique_lock lock(m);
    check(never.wait_for(lock, 1h) == cv_status::timeout, "it woke up too early");
  };
  EXPECT_EQ(explore({}, scenario).verdict, "it woke up too early");
  EXPECT_FALSE(explore({.max_spurious_wakeups = 0}, scenario).failed);
}

TEST(ExplorerTime, WaitUntilTheEndOfTimeHasNoTimeout) {
  const Result result = explore({}, [] {
    mutex m;
    condition_variable never("never");
    std::unique_lock lock(m);
    never.wait_until(lock, steady_clock::time_point::max(), [] { return false; });
  });
  EXPECT_EQ(result.verdict, "deadlock: main waits forever on never");
}

// --- Locks that are held -------------------------------------------------------------------------

// Both attempts may find the lock held, although its owner does nothing that others could see.
void try_twice() {
  mutex m("m");
  int shared = 0;
  jthread owner("owner", [&] {
    const std::lock_guard lock(m);
    ++shared;
  });
  check(m.try_lock() || m.try_lock(), "busy twice");
  m.unlock();
}

TEST(ExplorerHeldLock, IsSeenByAThreadThatTriesToLock) {
  const Options options = {.max_spurious_wakeups = 0, .random_schedules = 0};
  const Result found = explore(options, try_twice);
  EXPECT_EQ(found.verdict, "busy twice");
  EXPECT_EQ(found.preemptions, 2);  // of main at the beginning, and of the owner with the lock
  Options again = options;
  again.replay = found.schedule;
  EXPECT_EQ(explore(again, try_twice).story, found.story) << found.schedule;
}

}  // namespace
}  // namespace worker_pool::lab
