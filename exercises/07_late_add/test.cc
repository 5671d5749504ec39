#include <algorithm>
#include <array>
#include <cstddef>
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
    std::array<bool, 2> finished{};  // one for each worker: only the group orders them before main
    std::vector<lab::thread> threads;
    for (std::size_t i = 0; i < finished.size(); ++i) {
      lab::note("starts worker " + std::to_string(i + 1));
      threads.push_back(start(group, [&finished, i] {
        lab::note("does its work");
        finished[i] = true;
      }));
    }
    lab::note("calls wait()");
    group.wait();
    lab::note("returns from wait()");
    const auto done = std::ranges::count(finished, true);
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
