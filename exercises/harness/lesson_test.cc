// Tests the gate, and the failure that ends with a lesson.
#include "exercises/harness/lesson.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <string>

#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"

namespace worker_pool {
namespace {

constexpr Lesson kLesson("42_the_lesson", "this is what happened.");

// --- LabGate -----------------------------------------------------------------------------------

TEST(LabGate, HoldsAThreadUntilItIsOpened) {
  const lab::Result result = lab::explore({}, [] {
    LabGate gate("job");
    bool opened = false;
    lab::jthread worker("worker", [&] {
      gate.wait();
      lab::check(opened, "passed a closed gate");
      gate.wait();  // it stays open
    });
    gate.await_arrival();
    lab::this_thread::yield();
    opened = true;
    gate.open();
  });
  EXPECT_FALSE(result.failed) << result.story;
  EXPECT_TRUE(result.exhaustive);
}

TEST(LabGate, AwaitsAnArrival) {
  const lab::Result result = lab::explore({}, [] {
    LabGate gate("job");
    bool arrived = false;
    lab::jthread worker("worker", [&] {
      lab::this_thread::yield();
      arrived = true;
      gate.wait();
    });
    gate.await_arrival();
    lab::check(arrived, "no thread had arrived");
    gate.open();
  });
  EXPECT_FALSE(result.failed) << result.story;
  EXPECT_TRUE(result.exhaustive);
}

TEST(LabGate, IsPartOfTheStory) {
  const lab::Result result = lab::explore({}, [] {
    LabGate gate("job");
    lab::thread worker("worker", [&] { gate.wait(); });
    gate.await_arrival();
    gate.open();
    worker.join();
    LabGate other("unopened");
    lab::thread late("late", [&] { other.wait(); });
    LabGate("unreached").await_arrival();
  });
  EXPECT_EQ(result.story,
            "  worker  waits at the gate \"job\"\n"
            "  main    opens the gate \"job\"\n"
            "  main    waits for worker to exit\n"
            "  worker  exits\n"
            "  late    waits at the gate \"unopened\"\n"
            "  deadlock: main waits forever for a thread to arrive at the gate \"unreached\"; late "
            "waits forever at the gate \"unopened\"\n");
}

// --- expect_every_schedule() -------------------------------------------------------------------

TEST(ExpectEverySchedule, SaysNothingWhenAllIsWell) {
  expect_every_schedule(kLesson, [] { lab::jthread worker("worker", [] {}); });
}

// Fails in the second order in which two threads can run.
void first_come_first_served() {
  bool worker_came = false;
  lab::jthread worker("worker", [&] { worker_came = true; });
  lab::this_thread::yield();
  lab::check(!worker_came, "the worker was first");
}

TEST(ExpectEverySchedule, EndsWithTheStoryAndTheLesson) {
  EXPECT_NONFATAL_FAILURE(expect_every_schedule(kLesson, first_come_first_served),
                          "Schedule 4 breaks it (LAB_REPLAY=0.1):\n"
                          "  worker  exits\n"
                          "  the worker was first\n"
                          "LESSON[42_the_lesson]: this is what happened.");
}

TEST(ExpectEverySchedule, TakesOptions) {
  expect_every_schedule(kLesson, first_come_first_served,
                        {.max_preemptions = 0, .random_schedules = 0});
  EXPECT_NONFATAL_FAILURE(
      expect_every_schedule(kLesson, first_come_first_served, {.replay = "0.1"}),
      "The replayed schedule breaks it");
}

}  // namespace
}  // namespace worker_pool
