#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Lesson kLesson(
    "10_deaf_sleep",
    "the poller went to sleep for its whole period, then stop was set. A sleeping thread checks no "
    "flag, so stop() waited for the rest of the period. A service whose shutdown has a time limit "
    "is killed before its work is finished.");

// The clock moves only when every thread sleeps or waits, so the times are exact.
const lab::Options kExactTimes{.early_timeouts = false};

std::string in_seconds(lab::steady_clock::duration time) {
  std::ostringstream text;
  text << std::chrono::duration<double>(time).count() << " s";
  return text.str();
}

TEST(DeafSleep, StopEndsTheSleep) {
  expect_every_schedule(
      kLesson,
      [] {
        int polls = 0;
        const auto asked = lab::steady_clock::now();
        Poller poller(minutes(1), [&] {
          lab::note("polls");
          lab::check(++polls == 1, "it polled again at " +
                                       in_seconds(lab::steady_clock::now() - asked) +
                                       "; wanted: not before 60 s, and not after stop()");
        });
        poller.stop();
        const auto took = lab::steady_clock::now() - asked;
        lab::check(took == seconds(0), "stop() took " + in_seconds(took) + "; wanted: 0 s");
        lab::check(lab::running_threads() == 1,
                   "stop() returned, but the poller's thread, which uses the poller, still runs");
      },
      kExactTimes);
}

// A load may return an older value, unless a memory order forbids it, as on real machines. This
// counts as a preemption.
TEST(DeafSleep, StopEndsTheSleepOnMachinesThatReorderMemory) {
  expect_every_schedule(
      kLesson,
      [] {
        Poller poller(minutes(1), [] { lab::note("polls"); });
        poller.stop();
        const auto took = lab::steady_clock::now().time_since_epoch();
        lab::check(took == seconds(0), "stop() took " + in_seconds(took) + "; wanted: 0 s");
      },
      {.max_preemptions = 3, .early_timeouts = false, .random_schedules = 0, .stale_reads = true});
}

TEST(DeafSleep, PollsOncePerPeriod) {
  expect_every_schedule(
      kLesson,
      [] {
        int polls = 0;
        const auto began = lab::steady_clock::now();
        Poller poller(minutes(1), [&] {
          const auto now = lab::steady_clock::now() - began;
          lab::note("polls at " + in_seconds(now));
          const auto due = polls++ * (minutes(1) + seconds(1));  // one period plus one poll
          lab::check(now == due, "poll " + std::to_string(polls) + " came at " + in_seconds(now) +
                                     "; wanted: at " + in_seconds(due));
          lab::this_thread::sleep_for(seconds(1));
        });
        lab::this_thread::sleep_for(seconds(90));
        poller.stop();
        lab::check(polls == 2, "in 90 s there were " + std::to_string(polls) +
                                   " polls; wanted: 2, at 0 s and at 61 s");
      },
      kExactTimes);
}

// No round number, so that no other time is the same by chance.
constexpr std::chrono::nanoseconds kPeriod(1'234'567'891);

// A thread that polls for as long takes more steps than a schedule may have, and a wait with a
// limit ends too early.
constexpr lab::steady_clock::duration kYear = std::chrono::hours(24 * 365);

TEST(DeafSleep, APeriodIsExactWhateverWakesThePoller) {
  expect_every_schedule(
      kLesson,
      [] {
        int polls = 0;
        const auto began = lab::steady_clock::now();
        Poller poller(kPeriod, [&] {
          const auto late_by = lab::steady_clock::now() - (began + polls++ * kPeriod);
          lab::note("polls");
          lab::check(late_by.count() == 0, "poll " + std::to_string(polls) + " came " +
                                               std::to_string(std::abs(late_by.count())) +
                                               " ns too " +
                                               (late_by.count() < 0 ? "early" : "late") +
                                               "; wanted: exactly one period after the one before");
        });
        // While main is awake, the poller may have a spurious wake-up.
        for (int i = 0; i < 5; ++i) lab::this_thread::sleep_for(kPeriod / 2);
        poller.stop();
        lab::check(polls == 3,
                   "in 2.5 periods there were " + std::to_string(polls) + " polls; wanted: 3");
      },
      kExactTimes);
}

// The poller may wake up again and again while main is awake.
TEST(DeafSleep, APeriodIsExactHoweverOftenThePollerWakesUp) {
  expect_every_schedule(kLesson,
                        [] {
                          int polls = 0;
                          Poller poller(kYear, [&] {
                            lab::note("polls");
                            ++polls;
                          });
                          lab::this_thread::sleep_for(kYear / 2);
                          poller.stop();
                          lab::check(polls == 1, "in half a period there were " +
                                                     std::to_string(polls) + " polls; wanted: 1");
                        },
                        {.max_preemptions = 0,
                         .max_spurious_wakeups = 12,
                         .early_timeouts = false,
                         .random_schedules = 0});
}

TEST(DeafSleep, StopEndsALaterSleepJustBeforeItsEnd) {
  expect_every_schedule(
      kLesson,
      [] {
        const auto asleep = 6 * kPeriod - std::chrono::nanoseconds(1);
        int polls = 0;
        Poller poller(kPeriod, [&] {
          lab::note("polls");
          ++polls;
        });
        lab::this_thread::sleep_for(asleep);
        poller.stop();
        const auto took = lab::steady_clock::now().time_since_epoch() - asleep;
        lab::check(polls == 6,
                   "in 6 periods there were " + std::to_string(polls) + " polls; wanted: 6");
        lab::check(took.count() == 0, "stop() took " + in_seconds(took) + "; wanted: 0 s");
      },
      {.max_preemptions = 1, .early_timeouts = false, .random_schedules = 20});
}

using Duration = lab::steady_clock::duration;

// The period may be as long as the poll, so that both end at the same time.
void check_stop_during_a_poll(Duration period, Duration poll) {
  int begun = 0;
  int done = 0;
  const auto began = lab::steady_clock::now();
  Poller poller(period, [&] {
    lab::note("begins to poll");
    lab::check(++begun == 1, "stop() was called during the first poll, and it polled again");
    lab::this_thread::sleep_for(poll);
    lab::note("has polled");
    ++done;
  });
  lab::this_thread::sleep_for(poll / 2);
  lab::note("calls stop()");
  poller.stop();
  const auto late_by = lab::steady_clock::now() - began - poll;
  lab::check(begun == 1 && done == 1, "stop() returned before the running poll did");
  lab::check(late_by.count() == 0, "stop() returned " + std::to_string(late_by.count()) +
                                       " ns after the running poll; wanted: at once");
}

TEST(DeafSleep, StopWaitsForARunningPoll) {
  for (const Duration poll : {Duration(kPeriod), kYear}) {
    expect_every_schedule(kLesson, [&] { check_stop_during_a_poll(kPeriod, poll); }, kExactTimes);
  }
  // The shortest possible sleep is over before main goes on.
  expect_every_schedule(kLesson, [] { check_stop_during_a_poll(seconds(0), kPeriod); },
                        {.max_preemptions = 1, .early_timeouts = false, .random_schedules = 20});
}

// Without preemptions, the poller's thread does not run before main waits: in stop(), unless the
// constructor waits until the thread has started.
TEST(DeafSleep, StopDoesNotWaitForAPollThatHasNotBegun) {
  expect_every_schedule(kLesson,
                        [] {
                          lab::atomic<bool> has_begun = false;
                          Poller poller(kPeriod, [&] {
                            lab::note("begins to poll");
                            has_begun = true;
                            lab::this_thread::sleep_for(seconds(1));
                          });
                          const bool is_polling = has_begun;
                          lab::note(is_polling ? "calls stop() during the first poll"
                                               : "calls stop() before the first poll begins");
                          poller.stop();
                          const auto took = lab::steady_clock::now().time_since_epoch();
                          lab::check(took == seconds(is_polling ? 1 : 0),
                                     "stop() took " + in_seconds(took) + "; wanted: " +
                                         (is_polling ? "1 s, because a poll was running"
                                                     : "0 s, because no poll was running"));
                        },
                        {.max_preemptions = 0, .early_timeouts = false, .random_schedules = 0});
}

TEST(DeafSleep, TheDestructorStopsAsFast) {
  expect_every_schedule(
      kLesson,
      [] {
        const auto began = lab::steady_clock::now();
        {
          lab::note("creates a poller and destroys it");
          const Poller poller(kPeriod, [] { lab::note("polls"); });
        }
        {
          lab::note("creates a poller with a period of 1 ns, and stops it twice");
          Poller poller(std::chrono::nanoseconds(1), [] { lab::note("polls"); });
          poller.stop();
          poller.stop();
        }
        const auto took = lab::steady_clock::now() - began;
        lab::check(took.count() == 0, "this took " + in_seconds(took) + "; wanted: 0 s");
        lab::check(lab::running_threads() == 1, "a poller's thread outlives the poller");
      },
      kExactTimes);
}

TEST(DeafSleep, APollMayStopOrDestroyAnotherPoller) {
  for (const bool destroys : {false, true}) {
    const auto use_other = [destroys] {
      bool done = false;
      std::optional<Poller> other(std::in_place, kPeriod, [&done] {
        lab::this_thread::sleep_for(seconds(2));
        done = true;
      });
      lab::this_thread::sleep_for(seconds(1));
      lab::note(destroys ? "destroys another poller, which polls"
                         : "stops another poller, which polls");
      destroys ? other.reset() : other->stop();
      lab::check(lab::running_threads() == 2,
                 "a poll stopped or destroyed another poller, but the thread of that poller still "
                 "runs");
      lab::check(done, "another poller was stopped, but its running poll had not returned");
    };
    expect_every_schedule(kLesson,
                          [&] {
                            Poller poller(kPeriod, use_other);
                            lab::this_thread::sleep_for(kPeriod);
                          },
                          {.max_preemptions = 0, .early_timeouts = false, .random_schedules = 20});
  }
}

// The period ends when main wakes up. Main was the last one awake, so without preemptions it is the
// first one to run then, until it waits in stop().
TEST(DeafSleep, NoPollBeginsAfterStopAlthoughItsTimeHasCome) {
  expect_every_schedule(kLesson,
                        [] {
                          lab::atomic<bool> is_stopping = false;
                          Poller poller(kPeriod, [&] {
                            lab::check(!is_stopping,
                                       "the period had ended, then stop() was called, and the "
                                       "poller polled again; wanted: no poll after stop()");
                            lab::note("polls");
                          });
                          lab::this_thread::sleep_for(kPeriod / 2);
                          lab::this_thread::sleep_for(kPeriod - kPeriod / 2);
                          lab::note("calls stop() when the period has just ended");
                          is_stopping = true;
                          poller.stop();
                        },
                        {.max_preemptions = 0, .early_timeouts = false, .random_schedules = 0});
}

}  // namespace
}  // namespace worker_pool
