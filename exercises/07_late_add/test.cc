#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "07_late_add",
    "wait() looked at the count before a new thread had reached its first line, add(). Zero means "
    "that everybody is done, so it returned, and whoever relied on it went on without work that "
    "had not begun.");

TEST(LateAdd, WaitReturnsWhenAllWorkIsDone) {
  expect_every_schedule(kLesson, [] {
    WaitGroup group;
    int done = 0;
    std::vector<lab::thread> threads;
    for (int id = 1; id <= 2; ++id) {
      lab::note("starts worker " + std::to_string(id));
      threads.push_back(start(group, [&] {
        lab::note("does its work");
        ++done;
      }));
    }
    lab::note("calls wait()");
    group.wait();
    lab::note("wait() has returned");
    lab::check(done == 2, "wait() returned when " + std::to_string(done) +
                              " of 2 workers had done their work; wanted: 2 of 2");
    for (lab::thread& thread : threads) thread.join();
  });
}

// The next two are simple: a few random schedules are enough.

TEST(LateAdd, StartDoesNotWaitForTheWork) {
  const auto scenario = [] {
    WaitGroup group;
    LabGate gate("start() has returned");
    lab::note("starts a worker that works until start() has returned");
    lab::thread thread = start(group, [&] { gate.wait(); });
    gate.open();
    group.wait();
    thread.join();
  };
  expect_every_schedule(kLesson, scenario, {.random_schedules = 20});
}

TEST(LateAdd, NobodyIsWaitedForInAnEmptyGroup) {
  const auto scenario = [] {
    WaitGroup group;
    lab::note("calls wait() on a group without members");
    group.wait();
  };
  expect_every_schedule(kLesson, scenario, {.random_schedules = 20});
}

}  // namespace
}  // namespace worker_pool
