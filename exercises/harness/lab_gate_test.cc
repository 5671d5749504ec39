#include "exercises/harness/lab_gate.h"

#include <gtest/gtest.h>

#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"

namespace worker_pool {
namespace {

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

}  // namespace
}  // namespace worker_pool
