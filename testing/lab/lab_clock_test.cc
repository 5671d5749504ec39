// Tests the lab's clock: which sleeper wakes up first, and what may happen before.
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"
#include "testing/lab/lab_testing.h"

namespace worker_pool::lab {
namespace {

using namespace std::chrono_literals;

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

TEST(LabClock, TheStorySaysForHowLongAThreadSleeps) {
  EXPECT_EQ(story_of([] {
              const std::vector<std::chrono::nanoseconds> times = {
                  0ns, 1001us, 1500ms, 60s, 1h, 90h, 24h * 365, 24h * 3650};
              for (const auto time : times) this_thread::sleep_for(time);
              this_thread::sleep_until(steady_clock::time_point::min());
              check(false, "end");
            }),
            "  main  sleeps for 0 ns\n"
            "  main  sleeps for 1001000 ns\n"
            "  main  sleeps for 1500 ms\n"
            "  main  sleeps for 60 s\n"
            "  main  sleeps for 1 h\n"
            "  main  sleeps for 90 h\n"
            "  main  sleeps for 1 year\n"
            "  main  sleeps for 10 years\n"
            "  main  sleeps for 0 ns\n"
            "  end\n");
}

TEST(LabClock, EitherOfTwoSleepersWithTheSameTimeMayWakeUpFirst) {
  std::set<std::string> orders;
  expect_passes(
      [&orders] {
        std::string order;
        const auto sleep = [&](char name) {
          this_thread::sleep_for(1h);
          order += name;
        };
        {
          jthread a("a", sleep, 'a');
          jthread b("b", sleep, 'b');
        }
        orders.insert(order);
      },
      {.max_preemptions = 0, .early_timeouts = false});
  EXPECT_EQ(orders, (std::set<std::string>{"ab", "ba"}));
}

// Also while another thread could run, which may be slow.
TEST(LabClock, EitherMayWakeUpFirstBeforeAThreadThatCouldRun) {
  const auto scenario = [] {
    atomic<bool> another_has_gone_on = false;
    const auto sleep = [] { this_thread::sleep_for(1h); };
    jthread a("a", [&] { sleep(), another_has_gone_on = true; });
    jthread b("b", [&] { sleep(), check(another_has_gone_on, "b is first"); });
    this_thread::sleep_for(1ns);  // until both sleep
    another_has_gone_on = true;
  };
  EXPECT_EQ(explore({.max_preemptions = 1, .random_schedules = 0}, scenario).verdict, "b is first");
}

// A thread may be so slow that another one's time passes, and that one slower still.
TEST(LabClock, MayPassWhileAThreadGoesOnBeforeTheSleeper) {
  EXPECT_EQ(verdict_of([] {
              bool has_woken = false;
              jthread sleeper("sleeper", [&] {
                this_thread::sleep_for(1h);
                has_woken = true;
              });
              const bool is_late = steady_clock::now().time_since_epoch() >= 1h;
              check(!is_late || has_woken, "late, and the sleeper still sleeps");
            }),
            "late, and the sleeper still sleeps");
}

// std's wait_for() and sleep_for() add the time to a clock that has run for a while.
TEST(LabClock, AWaitMustNotBeSoLongThatItsEndOverflows) {
  constexpr steady_clock::duration kForever = steady_clock::duration::max();
  const std::string verdict =
      "main waits for so long that steady_clock::now() plus this time overflows";
  EXPECT_EQ(verdict_of([] { this_thread::sleep_for(kForever); }), verdict);
  EXPECT_EQ(verdict_of([] {
              mutex lock;
              condition_variable changed;
              std::unique_lock held(lock);
              changed.wait_for(held, kForever);
            }),
            verdict);
  EXPECT_EQ(verdict_of([] {
              mutex lock;
              condition_variable changed;
              std::unique_lock held(lock);
              changed.wait_for(held, kForever, [] { return false; });
            }),
            verdict);
  expect_passes([] {
    this_thread::sleep_for(24h * 365 * 140);
    this_thread::sleep_for(24h * 365 * 140);
  });
  EXPECT_EQ(verdict_of([] {
              this_thread::sleep_for(24h * 365 * 140);
              this_thread::sleep_for(24h * 365 * 145);
            }),
            verdict);
}

}  // namespace
}  // namespace worker_pool::lab
