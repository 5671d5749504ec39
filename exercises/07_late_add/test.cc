#include <string>
#include <vector>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "07_late_add",
    "wait() checked the count before a new thread had reached its first line, add(). A count of "
    "zero "
    "means that every member is done, so wait() returned, and its caller went on although the work "
    "had not even started.");

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
    lab::note("returns from wait()");
    lab::check(done == 2, "wait() returned when " + std::to_string(done) +
                              " of 2 workers had finished their work; wanted: 2 of 2");
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

TEST(LateAdd, WaitOnAnEmptyGroupReturnsAtOnce) {
  const auto scenario = [] {
    WaitGroup group;
    lab::note("calls wait() on a group without members");
    group.wait();
  };
  expect_every_schedule(kLesson, scenario, {.random_schedules = 20});
}

}  // namespace
}  // namespace worker_pool
