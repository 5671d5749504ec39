#include <cstddef>
#include <string>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "14_timeout_that_waits",
    "the wait ended after 10 ms, as it should. Then ~jthread joined the helper, which waits for "
    "the "
    "job. The caller asked for a time limit and got none: it can neither cancel the job nor save "
    "the jobs queued behind it.");

std::string in_ms(lab::steady_clock::duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) +
         " ms";
}

// No thread is delayed for as long as these timeouts.
const lab::Options kExactTimes{.early_timeouts = false};

TEST(TimeoutThatWaits, ReturnsWhenTheTimeIsOver) {
  const auto scenario = [] {
    LabGate started("job started");
    LabGate gate("job");
    Pool pool;
    pool.submit([&] {
      started.open();
      lab::this_thread::sleep_for(5ms);  // so that the job does something during the wait
      gate.wait();
    });
    started.wait();
    for (int call = 1; call <= 2; ++call) {
      lab::note("calls drain_for(10ms)");
      const auto called = lab::steady_clock::now();
      lab::check(!pool.drain_for(10ms),
                 "drain_for(10ms) returned true, but the job has not finished");
      const auto took = lab::steady_clock::now() - called;
      lab::check(took == 10ms, "drain_for(10ms) returned after " + in_ms(took) + "; wanted: 10 ms");
    }
    const std::size_t left = lab::running_threads() - 2;  // besides main and the worker
    lab::check(left == 0, "drain_for() has left threads behind: " + std::to_string(left) +
                              ". They use the pool even after its destruction");
    gate.open();
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(TimeoutThatWaits, ReturnsAsSoonAsTheJobsAreDone) {
  expect_every_schedule(kLesson,
                        [] {
                          Pool pool;
                          pool.submit([] {});  // takes no time
                          lab::note("calls drain_for(1h)");
                          const auto called = lab::steady_clock::now();
                          const bool drained = pool.drain_for(1h);
                          const auto took = lab::steady_clock::now() - called;
                          lab::check(drained, "drain_for(1h) returned false after " + in_ms(took) +
                                                  " although the job takes no time");
                          lab::check(took == 0ms, "drain_for(1h) returned " + in_ms(took) +
                                                      " late: the job takes no time");
                        },
                        // No thread is delayed for an hour.
                        {.early_timeouts = false, .random_schedules = 50});
}

}  // namespace
}  // namespace worker_pool
