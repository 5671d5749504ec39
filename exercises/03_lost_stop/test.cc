#include <gtest/gtest.h>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "03_lost_stop",
    "the worker saw that stop was false, then stop was set and notified, and only then the worker "
    "went to sleep. A notification is not kept for later, so it sleeps for ever and the shutdown "
    "waits with it.");

TEST(LostStop, WorkerEndsWhenItIsAskedTo) {
  expect_every_schedule(kLesson, [] {
    Worker worker;
    lab::thread thread("worker", [&] { worker.run(); });
    worker.stop();
    const auto asked = lab::steady_clock::now();
    thread.join();
    lab::check(lab::steady_clock::now() == asked, "the worker noticed by the clock, not by stop()");
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
    lab::check(done == 2, "of 2 jobs, " + std::to_string(done) + " were done");
  });
}

}  // namespace
}  // namespace worker_pool
