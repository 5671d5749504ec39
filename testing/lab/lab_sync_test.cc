// lab::mutex and lab::condition_variable behave as the std types of these names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "testing/lab/engine/hooks.h"
#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"
#include "testing/lab/lab_testing.h"

namespace worker_pool::lab {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// --- mutex ---------------------------------------------------------------------------------------

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
  expect_passes(
      [] {
        mutex m;
        m.lock();
        thread worker("worker", [&] { check(!m.try_lock(), "the lock is taken"); });
        worker.join();
        m.unlock();
        check(m.try_lock(), "the lock is free");
        m.unlock();
      },
      {.max_spurious_wakeups = 0});
}

// As that of std::mutex may: code must not conclude that another thread holds the mutex.
TEST(LabMutex, TryLockMayFailAlthoughItIsFree) {
  const auto scenario = [] {
    mutex m;
    check(m.try_lock(), "it failed");
    m.unlock();
  };
  EXPECT_EQ(verdict_of(scenario), "it failed");
  EXPECT_EQ(story_of(scenario), "");
  EXPECT_EQ(explore({.max_preemptions = 0}, scenario).story,
            "  main  fails to lock mutex, which is free: try_lock() may\n"
            "  it failed\n");
}

// Every point between two operations is one where another thread may run, also after unlock().
TEST(LabMutex, AnotherThreadMayRunAfterUnlock) {
  EXPECT_EQ(verdict_of([] {
              mutex m;
              bool is_full = false;
              int sent = 0;
              const auto send_if_not_full = [&] {
                bool was_full = true;
                {
                  const std::lock_guard lock(m);
                  was_full = is_full;
                }
                if (was_full) return;
                ++sent;  // too late: the check is no longer true
                const std::lock_guard lock(m);
                is_full = true;
              };
              thread other(send_if_not_full);
              send_if_not_full();
              other.join();
              check(sent == 1, "both have sent");
            }),
            "both have sent");
}

// When the lock becomes free, either thread may take it next, even the one that released it.
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

TEST(LabMutex, WaitingForItIsRecorded) {
  EXPECT_EQ(story_of([] {
              mutex m("table");
              m.lock();
              jthread worker("worker", [&] { const std::lock_guard lock(m); });
              this_thread::sleep_for(1ns);
              check(false, "end");
            }),
            "  main             worker\n"
            "  ---------------  ---------------------------------\n"
            "  sleeps for 1 ns\n"
            "                   waits for table, which main holds\n"
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

// The mutex is free, but the worker is about to lock it: outside the lab, a use after free.
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

// Two threads sleep and one is woken. The scheduler decides which.
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

// For each schedule, how often wait() returned without a reason.
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

// A notification in time does not help if the lock comes too late: cv_status depends on the clock.
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

TEST(LabConditionVariable, TwoWaitersMustUseTheSameMutex) {
  EXPECT_THAT(
      verdict_of([] {
        mutex mutexes[2];
        condition_variable changed;
        const auto wait = [&changed](mutex& m) {
          std::unique_lock lock(m);
          changed.wait(lock);
        };
        jthread first([&] { wait(mutexes[0]); });
        jthread second([&] { wait(mutexes[1]); });
      }),
      ::testing::HasSubstr("with another mutex: std::condition_variable does not allow that"));
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

// A notified thread waits for the lock, no longer for a notification.
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
            "deadlock: main waits forever for worker to exit; worker waits forever for table, "
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

// The waiter sees the change before the notification and destroys what the notifier still uses.
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
            has_hooks()
                ? "data race on changed: worker notifies it, main destroys it, nothing orders them"
                : "main destroys changed while worker uses it");
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

}  // namespace
}  // namespace worker_pool::lab
