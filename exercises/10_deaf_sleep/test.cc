#include <chrono>
#include <sstream>
#include <string>

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
constexpr lab::Options kExactTimes{.early_timeouts = false};

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

}  // namespace
}  // namespace worker_pool
