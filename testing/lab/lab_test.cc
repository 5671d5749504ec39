// What the lab types promise: the behaviour of the std types of the same names.
#include "testing/lab/lab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "testing/lab/explorer.h"

namespace worker_pool::lab {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Only the systematic part, to its end.
void expect_passes(const std::function<void()>& scenario, Options options = {}) {
  options.random_schedules = 0;
  const Result result = explore(options, scenario);
  EXPECT_FALSE(result.failed) << result.story;
  EXPECT_TRUE(result.exhaustive) << "after " << result.schedules << " schedules";
}

std::string verdict_of(const std::function<void()>& scenario) {
  return explore({}, scenario).verdict;
}

// The story of the only schedule without preemptions, if `scenario` ends with a failed check.
std::string story_of(const std::function<void()>& scenario) {
  return explore({.max_preemptions = 0, .max_spurious_wakeups = 0, .random_schedules = 0}, scenario)
      .story;
}

// --- mutex -------------------------------------------------------------------------------------

TEST(LabMutex, LetsOneThreadInAtATime) {
  expect_passes([] {
    mutex m;
    int inside = 0;
    const auto enter = [&] {
      const std::lock_guard lock(m);
      check(++inside == 1, "two threads hold the lock");
      this_thread::yield();
      --inside;
    };
    jthread worker("worker", enter);
    enter();
  });
}

TEST(LabMutex, TryLockDoesNotWait) {
  expect_passes([] {
    mutex m;
    m.lock();
    thread worker("worker", [&] { check(!m.try_lock(), "the lock is taken"); });
    worker.join();
    m.unlock();
    check(m.try_lock(), "the lock is free");
    m.unlock();
  });
}

// Either thread may be the next one when the lock becomes free, also the one that had it.
TEST(LabMutex, IsNotFair) {
  std::set<std::string> orders;
  expect_passes([&] {
    mutex m;
    std::string order;
    thread worker("worker", [&] {
      const std::lock_guard lock(m);
      order += 'w';
    });
    for (int i = 0; i < 2; ++i) {
      const std::lock_guard lock(m);
      order += 'm';
    }
    worker.join();
    orders.insert(order);
  });
  EXPECT_THAT(orders, ElementsAre("mmw", "mwm", "wmm"));
}

TEST(LabMutex, WaitingForItIsTold) {
  EXPECT_EQ(story_of([] {
              mutex m("table");
              m.lock();
              jthread worker("worker", [&] { const std::lock_guard lock(m); });
              this_thread::sleep_for(1ns);
              check(false, "end");
            }),
            "  main    sleeps\n"
            "  worker  waits for table, which main holds\n"
            "  end\n");
}

TEST(LabMutex, MustNotBeDestroyedWhileItIsHeld) {
  EXPECT_EQ(verdict_of([] {
              auto m = std::make_unique<mutex>("table");
              m->lock();
              m.reset();
            }),
            "main destroys table, which main holds");
}

// Free again, but the worker is on its way to lock it: that would be memory given back.
TEST(LabMutex, MustNotBeDestroyedWhileAThreadWantsIt) {
  EXPECT_EQ(verdict_of([] {
              auto m = std::make_unique<mutex>("table");
              m->lock();
              jthread worker("worker", [&] { const std::lock_guard lock(*m); });
              this_thread::sleep_for(1ns);  // until it waits
              m->unlock();
              m.reset();
            }),
            "main destroys table while worker uses it");
}

// --- condition_variable ------------------------------------------------------------------------

TEST(LabConditionVariable, ReleasesTheLockWhileItWaitsAndHasItAfterwards) {
  expect_passes([] {
    mutex m;
    condition_variable changed;
    bool is_set = false;
    bool inside = false;
    thread worker("worker", [&] {
      std::unique_lock lock(m);
      while (!is_set) {
        changed.wait(lock);
        check(!inside, "woken up without the lock");
      }
    });
    {
      const std::lock_guard lock(m);
      inside = true;
      is_set = true;
      changed.notify_one();
      this_thread::yield();
      inside = false;
    }
    worker.join();
  });
}

// Two threads sleep, and one of them is woken: which one is up to the scheduler.
TEST(LabConditionVariable, NotifyOneWakesOneOfThemWhicheverItIs) {
  std::set<std::string> outcomes;
  expect_passes(
      [&] {
        mutex m;
        condition_variable changed;
        std::string asleep;
        std::string woken;
        const auto wait = [&](char name) {
          std::unique_lock lock(m);
          asleep += name;
          if (changed.wait_for(lock, 1h) == cv_status::no_timeout) woken += name;
        };
        thread a("a", wait, 'a');
        thread b("b", wait, 'b');
        this_thread::sleep_for(1ns);  // until both sleep
        changed.notify_one();
        a.join();
        b.join();
        outcomes.insert(asleep + " " + woken);
      },
      {.max_preemptions = 0, .max_spurious_wakeups = 0, .early_timeouts = false});
  EXPECT_THAT(outcomes, ElementsAre("ab a", "ab b", "ba a", "ba b"));
}

TEST(LabConditionVariable, NotifyAllWakesAll) {
  expect_passes(
      [] {
        mutex m;
        condition_variable changed;
        const auto wait = [&] {
          std::unique_lock lock(m);
          check(changed.wait_for(lock, 1h) == cv_status::no_timeout, "one was left asleep");
        };
        jthread a("a", wait);
        jthread b("b", wait);
        this_thread::sleep_for(1ns);  // until both sleep
        changed.notify_all();
      },
      {.max_spurious_wakeups = 0, .early_timeouts = false});
}

// How often wait() returned before there was a reason, in any of the schedules.
std::set<int> spurious_wakeups(const Options& options) {
  std::set<int> counts;
  const Result result = explore(options, [&] {
    mutex m;
    condition_variable changed;
    bool is_set = false;
    int count = -1;
    thread worker("worker", [&] {
      std::unique_lock lock(m);
      changed.wait(lock, [&] { return ++count, is_set; });
    });
    this_thread::sleep_for(1ns);  // until it sleeps
    {
      const std::lock_guard lock(m);
      is_set = true;
      changed.notify_one();
    }
    worker.join();
    counts.insert(count - 1);
  });
  EXPECT_FALSE(result.failed) << result.story;
  return counts;
}

Options systematic(int spurious_wakeups) {
  return {.max_spurious_wakeups = spurious_wakeups, .early_timeouts = false, .random_schedules = 0};
}

Options random(int spurious_wakeups) {
  return {.max_preemptions = -1,
          .max_spurious_wakeups = spurious_wakeups,
          .early_timeouts = false,
          .random_schedules = 300};
}

TEST(LabConditionVariable, WakesSpuriouslyAsOftenAsAllowed) {
  EXPECT_THAT(spurious_wakeups(systematic(0)), ElementsAre(0));
  EXPECT_THAT(spurious_wakeups(systematic(1)), ElementsAre(0, 1));
  EXPECT_THAT(spurious_wakeups(systematic(2)), ElementsAre(0, 1, 2));
  EXPECT_THAT(spurious_wakeups(random(0)), ElementsAre(0));
  EXPECT_THAT(spurious_wakeups(random(1)), ElementsAre(0, 1));
}

// A notification in time is of no use when the lock comes too late: cv_status looks at the clock.
TEST(LabConditionVariable, NotificationInTimeAndLockTooLateIsATimeout) {
  expect_passes(
      [] {
        mutex m;
        condition_variable changed;
        thread worker("worker", [&] {
          std::unique_lock lock(m);
          check(changed.wait_for(lock, 1h) == cv_status::timeout, "an hour has passed");
        });
        this_thread::sleep_for(1ns);  // until it sleeps
        {
          const std::lock_guard lock(m);
          changed.notify_one();
          this_thread::sleep_for(2h);
        }
        worker.join();
      },
      {.max_spurious_wakeups = 0, .early_timeouts = false});
}

TEST(LabConditionVariable, WaitWithoutTheLockIsRefused) {
  EXPECT_EQ(verdict_of([] {
              mutex m("table");
              condition_variable changed("changed");
              std::unique_lock lock(m);
              lock.unlock();
              changed.wait(lock);
            }),
            "main waits on changed without holding table");
}

// Who has been notified waits for the lock, and no longer for the notification.
TEST(LabConditionVariable, DeadlockAfterANotificationIsOneOfTheLock) {
  EXPECT_EQ(verdict_of([] {
              mutex m("table");
              condition_variable changed("changed");
              thread worker("worker", [&] {
                std::unique_lock lock(m);
                changed.wait(lock);
              });
              this_thread::sleep_for(1ns);
              const std::lock_guard lock(m);
              changed.notify_one();
              worker.join();
            }),
            "deadlock: main waits for ever for worker to end; worker waits for ever for table, "
            "which main holds");
}

TEST(LabConditionVariable, MustNotBeDestroyedWhileAThreadWaits) {
  EXPECT_EQ(verdict_of([] {
              mutex m;
              auto changed = std::make_unique<condition_variable>("changed");
              jthread worker("worker", [&] {
                std::unique_lock lock(m);
                changed->wait(lock);
              });
              this_thread::sleep_for(1ns);
              changed.reset();
            }),
            "main destroys changed while worker waits on it");
}

// The waiter sees the change before it is notified, and destroys what the notifier still needs.
TEST(LabConditionVariable, MustNotBeDestroyedBeforeItsNotification) {
  EXPECT_EQ(verdict_of([] {
              mutex m;
              auto changed = std::make_unique<condition_variable>("changed");
              bool is_set = false;
              thread worker("worker", [&] {
                {
                  const std::lock_guard lock(m);
                  is_set = true;
                }
                changed->notify_one();
              });
              {
                std::unique_lock lock(m);
                changed->wait(lock, [&] { return is_set; });
              }
              changed.reset();
              worker.join();
            }),
            "main destroys changed while worker uses it");
}

TEST(LabConditionVariable, MayBeDestroyedWhenAllAreNotified) {
  expect_passes(
      [] {
        mutex m;
        auto changed = std::make_unique<condition_variable>();
        thread worker("worker", [&] {
          std::unique_lock lock(m);
          changed->wait(lock);
        });
        this_thread::sleep_for(1ns);  // until it sleeps
        changed->notify_all();
        changed.reset();
        worker.join();
      },
      {.max_spurious_wakeups = 0, .early_timeouts = false});
}

// --- thread ------------------------------------------------------------------------------------

TEST(LabThread, TakesArgumentsThatCanOnlyBeMoved) {
  expect_passes([] {
    std::string got;
    thread worker(
        "worker", [&](std::unique_ptr<std::string> text, char end) { got = *text + end; },
        std::make_unique<std::string>("hello"), '!');
    worker.join();
    check(got == "hello!", "got " + got);
  });
}

// What the function owns is gone when join() returns, and its destructors may use lab types.
TEST(LabThread, DestroysItsFunctionBeforeItEnds) {
  expect_passes([] {
    mutex m;
    bool destroyed = false;
    const auto destroy = [&](int* owned) {
      const std::lock_guard lock(m);
      destroyed = true;
      delete owned;
    };
    thread worker("worker", [owned = std::unique_ptr<int, decltype(destroy)>(new int, destroy)] {});
    worker.join();
    check(destroyed, "joined before everything was destroyed");
  });
}

// ThreadSanitizer watches: whoever passes on the turn must not look at the list of threads then.
TEST(LabThread, CanBeStartedByAnyThreadAtAnyTime) {
  const Options some = {.max_preemptions = -1, .random_schedules = 100};
  const Result result = explore(some, [] {
    const auto start_two = [] {
      jthread first("leaf", [] { this_thread::yield(); });
      jthread second("leaf", [] { this_thread::yield(); });
    };
    jthread a("a", start_two);
    jthread b("b", start_two);
  });
  EXPECT_FALSE(result.failed) << result.story;
}

TEST(LabThread, JoinOfNothingIsRefused) {
  EXPECT_EQ(verdict_of([] { thread().join(); }), "join() of a thread that is not joinable");
}

TEST(LabThread, IsNotOverwrittenWhileItIsJoinable) {
  EXPECT_THAT(verdict_of([] {
                thread worker("worker", [] {});
                worker = thread();
              }),
              HasSubstr("worker was neither joined nor detached"));
}

TEST(LabThread, MayBeDetachedWhenTheScenarioWaitsForItsEnd) {
  expect_passes([] {
    mutex m;
    condition_variable done;
    bool is_done = false;
    thread("worker", [&] { this_thread::yield(), is_done = true; }).detach();
    while (running_threads() > 1) this_thread::sleep_for(1ms);
    check(is_done, "it has ended, and was not done");
  });
}

TEST(LabJthread, IsJoinedByItsDestructor) {
  EXPECT_EQ(story_of([] {
              bool done = false;
              {
                const jthread worker("worker", [&] { done = true; });
              }
              check(done, "not done");
              check(false, "end");
            }),
            "  main    waits for worker to end\n"
            "  worker  ends\n"
            "  end\n");
}

TEST(LabJthread, IsJoinedBeforeAnotherTakesItsPlace) {
  expect_passes([] {
    bool first_done = false;
    jthread worker("first", [&] { first_done = true; });
    worker = jthread("second", [] {});
    check(first_done, "the first was not joined");
    jthread moved(std::move(worker));
    check(moved.joinable() && !worker.joinable(), "both stand for the second, or none");
  });
}

TEST(LabJthread, LivesInAVector) {
  expect_passes(
      [] {
        int done = 0;
        {
          std::vector<jthread> workers;
          for (int i = 0; i < 2; ++i) workers.emplace_back("worker", [&] { ++done; });
        }
        check(done == 2, "not all were joined");
      },
      {.max_preemptions = 1});
}

// --- atomic ------------------------------------------------------------------------------------

TEST(LabAtomic, WithANameTellsEveryLookAndEveryChange) {
  EXPECT_EQ(story_of([] {
              atomic<bool> stop(false, "stop");
              stop = true;
              check(stop, "not set");
              atomic<int> count(5, "count");
              int expected = 4;
              check(!count.compare_exchange_strong(expected, 6) && expected == 5, "it was 5");
              check(count.compare_exchange_strong(expected, 6), "it is 5");
              check(count.fetch_add(2) == 6 && count.fetch_sub(1) == 8, "the value before");
              check(++count == 8 && count++ == 8 && --count == 8 && count-- == 8, "as of an int");
              check(count.exchange(1) == 7 && count.load() == 1, "exchanged");
              check(false, "end");
            }),
            "  main  sets stop = true\n"
            "  main  sees stop = true\n"
            "  main  sees count = 5\n"
            "  main  sets count = 6\n"
            "  main  sets count = 8\n"
            "  main  sets count = 7\n"
            "  main  sets count = 8\n"
            "  main  sets count = 9\n"
            "  main  sets count = 8\n"
            "  main  sets count = 7\n"
            "  main  sets count = 1\n"
            "  main  sees count = 1\n"
            "  end\n");
}

TEST(LabAtomic, WithoutANameTellsNothing) {
  EXPECT_EQ(story_of([] {
              atomic<int> count(0);
              ++count;
              check(false, "end");
            }),
            "  end\n");
}

TEST(LabAtomic, CountsInUnsignedTypes) {
  expect_passes([] {
    atomic<unsigned short> count(1);
    count.fetch_sub(1);
    check(count.load() == 0, "one less than one is none");
  });
}

// --- The clock and the counters ----------------------------------------------------------------

TEST(LabClock, SleepersWakeUpInTheOrderOfTheirTimes) {
  expect_passes(
      [] {
        std::string order;
        const auto sleep = [&](std::chrono::hours time, char name) {
          this_thread::sleep_for(time);
          order += name;
        };
        {
          jthread a("a", sleep, 3h, 'a');
          jthread b("b", sleep, 1h, 'b');
          sleep(2h, 'm');
        }
        check(order == "bma", order);
        check(steady_clock::now().time_since_epoch() == 3h, "three hours in all");
      },
      {.early_timeouts = false});
}

TEST(LabCounters, RunningThreadsAreThoseThatHaveNotEnded) {
  expect_passes([] {
    check(running_threads() == 1, "main");
    thread worker("worker", [] {});
    const std::size_t running = running_threads();
    check(running == 1 || running == 2, "main, and the worker unless it is over");
    worker.join();
    check(running_threads() == 1, "main again");
  });
}

TEST(LabCounters, SynchronisationsAreTheLocksAndAtomicsOfTheCallingThread) {
  expect_passes([] {
    mutex m;
    atomic<int> value(0);
    thread other("other", [&] {
      const std::lock_guard lock(m);
      value = 1;
    });
    const std::size_t before = synchronisations();
    this_thread::yield();
    this_thread::sleep_for(1ms);
    check(synchronisations() == before, "neither yield(), nor sleep_for(), nor another thread");
    m.lock();
    m.unlock();
    check(synchronisations() == before + 1, "a lock is one");
    (void)value.load();
    check(synchronisations() == before + 2, "a look at an atomic is one");
    other.join();
  });
}

// The thread is started before the members that it uses are constructed.
struct StartsTooEarly {
  thread worker{"worker", [this] { const std::lock_guard lock(m); }};
  mutex m;
  ~StartsTooEarly() { worker.join(); }
};

TEST(LabLifetime, MutexUsedBeforeItIsThere) {
  EXPECT_EQ(verdict_of([] { StartsTooEarly it; }),
            "worker uses a mutex that is not there yet, or not any more");
}

TEST(LabLifetime, ConditionVariableUsedAfterItsEnd) {
  EXPECT_EQ(verdict_of([] {
              alignas(condition_variable) std::byte memory[sizeof(condition_variable)];
              auto* const changed =
                  std::construct_at(reinterpret_cast<condition_variable*>(memory));
              std::destroy_at(changed);
              changed->notify_one();
            }),
            "main uses a condition variable that is not there yet, or not any more");
}

TEST(LabNames, AreMadeUnique) {
  EXPECT_EQ(verdict_of([] {
              mutex first;
              mutex second;
              second.unlock();
            }),
            "main unlocks mutex 2, which it does not hold");
}

}  // namespace
}  // namespace worker_pool::lab
