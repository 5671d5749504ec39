#include <string>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "03_lost_stop",
    "the worker checked stop and saw false, then stop was set and notified, and only then the "
    "worker "
    "went to sleep. A condition variable does not keep a notification for later, so the worker "
    "sleeps forever, and the shutdown waits with it.");

TEST(LostStop, WorkerEndsWhenItIsAskedTo) {
  expect_every_schedule(kLesson, [] {
    Worker worker;
    lab::thread thread("worker", [&] { worker.run(); });
    worker.stop();
    const auto asked = lab::steady_clock::now();
    thread.join();
    lab::check(lab::steady_clock::now() == asked,
               "the worker was woken by the clock, not by stop()");
  });
}

TEST(LostStop, JobsSubmittedBeforeAreDone) {
  expect_every_schedule(kLesson, [] {
    Worker worker;
    int done = 0;
    lab::thread thread("worker", [&] { worker.run(); });
    for (int i = 0; i < 2; ++i) worker.submit([&] { ++done; });
    worker.stop();
    thread.join();
    lab::check(done == 2, std::to_string(done) + " of 2 jobs ran; wanted: 2 of 2");
  });
}

}  // namespace
}  // namespace worker_pool
