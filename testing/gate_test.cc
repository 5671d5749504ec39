#include "testing/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

void await_note(const Watchdog& watchdog, const std::string& note) {
  watchdog.await("a note about " + note, [&] {
    return watchdog.notes()->text().find("  " + note + "\n") != std::string::npos;
  });
}

TEST(Gate, HoldsEverybodyUntilItOpensAndThenNobody) {
  Watchdog watchdog;
  for (int round = 0; round < 20; ++round) {
    Gate gate(watchdog, "start");
    std::atomic<bool> opened = false;
    std::array<bool, 3> passed_in_time = {};
    std::vector<std::jthread> runners;
    for (bool& in_time : passed_in_time) {
      runners.push_back(watchdog.thread("runner: for the start", [&] {
        gate.wait();
        in_time = opened;
      }));
    }
    watchdog.await("three runners", [&] { return gate.arrived() == 3; });
    opened = true;
    gate.open();
    runners.clear();  // joins
    ASSERT_THAT(passed_in_time, ElementsAre(true, true, true)) << "a thread passed a closed gate";
  }
}

TEST(Gate, LetsThroughWhoeverComesLater) {
  Watchdog watchdog;
  Gate gate(watchdog, "start");
  gate.open();
  gate.wait();
  gate.wait();
  EXPECT_EQ(gate.arrived(), 2U);
}

TEST(Gate, StaysOpenWhenOpenedTwice) {
  Watchdog watchdog;
  Gate gate(watchdog, "start");
  gate.open();
  gate.open();
  gate.wait();
  EXPECT_EQ(gate.arrived(), 1U);
}

TEST(Gate, CountsArrivalsBeforeAndAfterItOpens) {
  Watchdog watchdog;
  Gate gate(watchdog, "start");
  EXPECT_EQ(gate.arrived(), 0U);
  auto early = watchdog.thread("early: for the start", [&] { gate.wait(); });
  gate.await_arrivals(1);
  EXPECT_EQ(gate.arrived(), 1U) << "a waiting thread has arrived";
  gate.open();
  early.join();
  gate.wait();
  gate.await_arrivals(2);  // both have passed it since
  gate.await_arrivals(1);
  EXPECT_EQ(gate.arrived(), 2U);
}

TEST(Gate, AwaitArrivalsWaitsForTheLastOfThem) {
  Watchdog watchdog;
  Gate gate(watchdog, "start");
  gate.open();
  gate.wait();
  auto last = watchdog.thread("last: arrives when the test waits for it", [&] {
    await_note(watchdog, "test: for arrival 2 at the gate \"start\"");
    gate.wait();
  });
  gate.await_arrivals(2);
  EXPECT_EQ(gate.arrived(), 2U);
}

TEST(Gate, ExplainsItsWaitersToTheWatchdog) {
  Watchdog watchdog;
  Gate gate(watchdog, "start");
  auto runner = watchdog.thread("runner", [&] { gate.wait(); });
  auto tester = watchdog.thread("tester", [&] { gate.await_arrivals(2); });
  await_note(watchdog, "a thread: for the gate \"start\" to open");
  await_note(watchdog, "test: for arrival 2 at the gate \"start\"");
  gate.open();
  gate.wait();
  runner.join();
  tester.join();
  EXPECT_EQ(watchdog.notes()->text(), "  no thread that left a note\n");
}

TEST(Gate, MayOutliveTheWatchdog) {
  auto watchdog = std::make_unique<Watchdog>();
  Gate gate(*watchdog, "start");
  watchdog.reset();
  gate.open();
  gate.wait();  // leaves a note that is never read; it must not touch the destroyed watchdog
  gate.await_arrivals(1);
  EXPECT_EQ(gate.arrived(), 1U);
}

}  // namespace
}  // namespace worker_pool
