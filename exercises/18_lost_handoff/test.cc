#include <string>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "18_lost_handoff",
    "release() gave the permit to waiter 1, then the time of waiter 1 was over, and it returned "
    "false: it does not know that it has a permit. No thread will ever release this permit. "
    "Waiter 2, which should have had it, sleeps forever, and the limit is one lower from now on.");

// A thread that waits for a permit. Read `has_permit` after joining it.
struct Waiter {
  // Waits without a limit.
  Waiter(Permits& permits, const std::string& name)
      : thread(name, [this, &permits] {
          permits.acquire();
          lab::note("has a permit");
          has_permit = true;
        }) {}

  Waiter(Permits& permits, const std::string& name, lab::steady_clock::duration timeout)
      : thread(name, [this, &permits, timeout] {
          has_permit = permits.acquire_for(timeout);
          lab::note(has_permit ? "has a permit" : "gives up");
        }) {}

  bool has_permit = false;
  lab::thread thread;
};

// Releases the permit of a waiter that has one.
void finish(Permits& permits, Waiter& waiter) {
  waiter.thread.join();
  if (waiter.has_permit) permits.release();
}

// No thread holds a permit or waits for one.
void check_free(Permits& permits, int count) {
  for (int i = 0; i < count; ++i) {
    lab::check(permits.acquire_for(0s), "all permits were released, but only " + std::to_string(i) +
                                            " of " + std::to_string(count) +
                                            " are free: a permit is lost");
  }
  lab::check(!permits.acquire_for(0s),
             "there are more permits than in the beginning: they were " + std::to_string(count));
  for (int i = 0; i < count; ++i) permits.release();
}

// No thread is delayed for as long as the sleeps below: each lasts until all other threads wait.
// Of two threads whose time is over at the same time, each may be the first.
constexpr lab::Options kExactTimes{
    .max_preemptions = 1, .early_timeouts = false, .max_schedules = 300, .random_schedules = 30};

TEST(LostHandoff, AWaiterThatGivesUpTakesNoPermitWithIt) {
  expect_every_schedule(
      kLesson,
      [] {
        Permits permits(1);
        permits.acquire();
        Waiter first(permits, "waiter 1", 10ms);
        lab::this_thread::sleep_for(1ms);
        Waiter second(permits, "waiter 2");
        lab::this_thread::sleep_for(9ms);
        lab::note("releases its permit");
        permits.release();
        finish(permits, first);
        finish(permits, second);
        check_time(10ms, "a permit was free, but a thread waited for longer");
        check_free(permits, 1);
      },
      {.max_spurious_wakeups = 0, .early_timeouts = false, .random_schedules = 50});
}

TEST(LostHandoff, WithoutOtherWaitersThePermitIsFree) {
  for (const auto limit : {10ms, 0ms}) {
    expect_every_schedule(kLesson, [limit] {
      Permits permits(1);
      permits.acquire();
      Waiter only(permits, "waiter", limit);
      lab::note("releases its permit");
      permits.release();
      finish(permits, only);
      check_free(permits, 1);
    });
  }
}

// The waiter finds no permit just before main releases one.
TEST(LostHandoff, AReleaseIsSeenByAThreadThatIsAboutToWait) {
  for (const bool limited : {false, true}) {
    expect_every_schedule(
        kLesson,
        [limited] {
          Permits permits(1);
          permits.acquire();
          Waiter only = limited ? Waiter(permits, "waiter", 1h) : Waiter(permits, "waiter");
          lab::note("releases its permit");
          permits.release();
          only.thread.join();
          lab::check(only.has_permit, "acquire_for() returned false, but a permit was free");
          check_time(0s, "a permit was free, but a thread waited for longer");
          permits.release();
          check_free(permits, 1);
        },
        {.early_timeouts = false, .random_schedules = 20});
  }
}

// One schedule, in which each thread runs until it has to wait. Main calls acquire() when the
// waiter has been given the permit, but has not run yet.
TEST(LostHandoff, ReleaseDoesNotBlockAndAcquireDoesNotOvertake) {
  for (const bool limited : {false, true}) {
    const auto scenario = [limited] {
      lab::atomic<bool> has_permit = false;
      Permits permits(1);
      permits.acquire();
      lab::jthread waiter("waiter", [&] {
        if (!limited) permits.acquire();
        has_permit = !limited || permits.acquire_for(1h);
        permits.release();
      });
      lab::this_thread::sleep_for(1ms);
      permits.release();
      lab::check(!has_permit, "release() waited for the thread to which it gave the permit");
      permits.acquire();
      lab::check(has_permit, "a new caller of acquire() got the permit, but a thread waits");
      permits.release();
      waiter.join();
      check_free(permits, 1);
    };
    expect_every_schedule(kLesson, scenario,
                          {.max_preemptions = 0, .max_spurious_wakeups = 0, .random_schedules = 0});
  }
}

TEST(LostHandoff, AWaiterSleepsHoweverOftenItWakesUp) {
  for (const bool limited : {false, true}) {
    const auto scenario = [limited] {
      Permits permits(1);
      permits.acquire();
      Waiter only = limited ? Waiter(permits, "waiter", 1h) : Waiter(permits, "waiter");
      lab::this_thread::sleep_for(1min);  // the waiter wakes up for no reason
      lab::check(lab::running_threads() == 2,
                 "a call returned although no permit was free and its time was not over");
      permits.release();
      finish(permits, only);
      check_time(1min, "a permit was free, but a thread waited for longer");
      check_free(permits, 1);
    };
    expect_every_schedule(kLesson, scenario,
                          {.max_preemptions = 0, .max_spurious_wakeups = 4, .random_schedules = 0});
  }
}

// Both may give up although they have been given the permit, one after the other.
TEST(LostHandoff, SeveralWaitersMayGiveUpAtOnce) {
  expect_every_schedule(
      kLesson,
      [] {
        Permits permits(1);
        permits.acquire();
        Waiter first(permits, "waiter 1", 10ms);
        lab::this_thread::sleep_for(1ms);
        Waiter second(permits, "waiter 2", 9ms);
        lab::this_thread::sleep_for(1ms);
        Waiter third(permits, "waiter 3");
        lab::this_thread::sleep_for(1ms);
        Waiter fourth(permits, "waiter 4");
        lab::this_thread::sleep_for(7ms);
        lab::note("releases its permit");
        permits.release();
        finish(permits, first);
        finish(permits, second);
        lab::check(!permits.acquire_for(0s), "a new caller got the permit, but threads wait");
        finish(permits, third);  // has the permit before waiter 4
        finish(permits, fourth);
        check_time(10ms, "a permit was free, but a thread waited for longer");
        check_free(permits, 1);
      },
      kExactTimes);
}

TEST(LostHandoff, TwoPermitsAreGivenToTwoWaiters) {
  expect_every_schedule(
      kLesson,
      [] {
        Permits permits(2);
        permits.acquire();
        permits.acquire();
        Waiter first(permits, "waiter 1", 10ms);
        lab::this_thread::sleep_for(1ms);
        Waiter second(permits, "waiter 2");
        lab::this_thread::sleep_for(1ms);
        Waiter third(permits, "waiter 3");
        lab::this_thread::sleep_for(8ms);
        lab::note("releases both permits");
        permits.release();
        permits.release();
        second.thread.join();
        finish(permits, first);
        finish(permits, third);  // while waiter 2 has the other permit
        permits.release();
        check_time(10ms, "a permit was free, but a thread waited for longer");
        check_free(permits, 2);
      },
      kExactTimes);
}

// Waiter 1 has its permit, but has not run yet.
TEST(LostHandoff, AFreePermitIsTakenAlthoughAThreadStillWaits) {
  for (const bool limited : {false, true}) {
    const auto scenario = [limited] {
      Permits permits(2);
      permits.acquire();
      permits.acquire();
      Waiter only = limited ? Waiter(permits, "waiter", 24h) : Waiter(permits, "waiter");
      lab::this_thread::sleep_for(1h);
      lab::note("releases both permits");
      permits.release();
      permits.release();
      lab::check(permits.acquire_for(0s),
                 "two permits were released for one waiting thread, but none is free");
      permits.release();
      finish(permits, only);
      check_free(permits, 2);
    };
    expect_every_schedule(kLesson, scenario, kExactTimes);
  }
}

TEST(LostHandoff, TheOldestWaiterIsNext) {
  expect_every_schedule(
      kLesson,
      [] {
        Permits permits(1);
        permits.acquire();
        Waiter first(permits, "waiter 1", 24h);
        lab::this_thread::sleep_for(1s);
        Waiter late(permits, "waiter 2", 30min);
        lab::this_thread::sleep_for(1s);
        Waiter later(permits, "waiter 3", 40min);
        lab::this_thread::sleep_for(35min);  // waiter 2 has given up
        Waiter fourth(permits, "waiter 4");
        lab::this_thread::sleep_for(1s);
        Waiter fifth(permits, "waiter 5", 24h);
        lab::this_thread::sleep_for(1h);  // waiter 3 has given up
        for (Waiter* waiter : {&late, &later}) {
          waiter->thread.join();
          lab::check(!waiter->has_permit, "acquire_for() returned true, but no permit was free");
        }
        for (Waiter* waiter : {&first, &fourth, &fifth}) {
          const auto released = lab::steady_clock::now();
          permits.release();
          lab::check(!permits.acquire_for(0s), "a new caller got the permit, but threads wait");
          waiter->thread.join();
          lab::check(lab::steady_clock::now() == released,
                     "the thread that had waited longest did not get the permit");
          lab::check(waiter->has_permit, "acquire_for() returned false, but a permit was free");
          lab::this_thread::sleep_for(1h);
        }
        permits.release();
        check_free(permits, 1);
      },
      {.max_preemptions = 0, .early_timeouts = false, .random_schedules = 30});
}

TEST(LostHandoff, TheLimitIsExact) {
  expect_every_schedule(
      kLesson,
      [] {
        constexpr auto kTenYears = 24h * 3650;  // longer than a thread can poll
        Permits permits(1);
        lab::check(permits.acquire_for(-1s), "a permit was free, but acquire_for(-1s) failed");
        lab::check(!permits.acquire_for(-1s), "acquire_for() returned true without a free permit");
        lab::check(!permits.acquire_for(0s), "acquire_for() returned true without a free permit");
        check_time(0s, "a limit of 0 or less had passed, but acquire_for() waited");
        constexpr auto kNotRound = 10ms - 1ns;
        lab::check(!permits.acquire_for(kNotRound),
                   "acquire_for() returned true without a free permit");
        check_time(kNotRound, "acquire_for(9999999ns) did not return after exactly this time");
        lab::jthread other("other", [&] {
          permits.acquire();
          check_time(2 * kTenYears, "acquire() did not return when the permit was released");
          permits.release();
        });
        lab::this_thread::sleep_for(1s);
        lab::check(!permits.acquire_for(kTenYears - 1s - kNotRound),
                   "acquire_for() returned true without a free permit");
        check_time(kTenYears, "acquire_for() did not return when its time was over");
        lab::this_thread::sleep_for(kTenYears);
        permits.release();
        other.join();
        check_free(permits, 1);
      },
      kExactTimes);
}

// Main makes steps while the waiter waits. The waiter may wake up at any of them.
TEST(LostHandoff, AWakeUpDoesNotExtendTheLimit) {
  expect_every_schedule(
      kLesson,
      [] {
        Permits permits(1);
        permits.acquire();
        Waiter late(permits, "waiter", 10ms);
        lab::this_thread::sleep_for(9ms);
        lab::check(!permits.acquire_for(0s), "acquire_for() returned true without a free permit");
        late.thread.join();
        lab::check(!late.has_permit, "acquire_for() returned true without a free permit");
        check_time(10ms, "acquire_for(10ms) did not return after 10 ms");
        permits.release();
        check_free(permits, 1);
      },
      kExactTimes);
}

// A permit is released within the limit, by a thread that did not acquire it.
TEST(LostHandoff, APermitInTimeIsTaken) {
  expect_every_schedule(
      kLesson,
      [] {
        Permits permits(1);
        permits.acquire();
        lab::jthread other("other", [&] {
          lab::this_thread::sleep_for(5ms);
          lab::note("releases the permit");
          permits.release();
        });
        lab::check(permits.acquire_for(10ms),
                   "acquire_for(10ms) returned false, but the permit was released after 5 ms");
        check_time(5ms, "acquire_for() did not return when the permit was released");
        permits.release();
        check_free(permits, 1);
      },
      kExactTimes);
}

// Two permits are released for two waiters. Waiter 1 may be slow, but waiter 2 has its own permit.
TEST(LostHandoff, ASlowWaiterDelaysNoOther) {
  const auto scenario = [] {
    Permits permits(2);
    for (int i = 0; i < 2; ++i) permits.acquire();
    Waiter slow(permits, "waiter 1");
    lab::this_thread::sleep_for(1ms);
    Waiter second(permits, "waiter 2", 10ms);
    lab::this_thread::sleep_for(4ms);
    lab::note("releases both permits");
    for (int i = 0; i < 2; ++i) permits.release();
    const bool in_time = lab::steady_clock::now().time_since_epoch() < 11ms;
    finish(permits, second);
    lab::check(
        second.has_permit || !in_time,
        "acquire_for(10ms) returned false, but two permits had been released for two threads");
    finish(permits, slow);
    check_free(permits, 2);
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1, .max_spurious_wakeups = 0, .random_schedules = 20});
}

TEST(LostHandoff, NoPermitIsInventedOrLost) {
  expect_every_schedule(kLesson,
                        [] {
                          Permits permits(1);
                          lab::atomic<int> holders = 0;
                          const auto use = [&] {
                            lab::check(++holders == 1, "two threads have the only permit");
                            lab::this_thread::sleep_for(5ms);
                            --holders;
                            permits.release();
                          };
                          {
                            lab::jthread first("waiter 1", [&] {
                              if (permits.acquire_for(5ms)) use();
                            });
                            lab::jthread second("waiter 2", [&] {
                              permits.acquire();
                              use();
                            });
                            if (permits.acquire_for(5ms)) use();
                          }
                          check_free(permits, 1);
                        },
                        {.max_preemptions = 1,
                         .max_spurious_wakeups = 0,
                         .max_schedules = 400,
                         .random_schedules = 100});
}

}  // namespace
}  // namespace worker_pool
