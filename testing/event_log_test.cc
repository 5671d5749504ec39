#include "testing/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(EventLog, KeepsEveryEventInOrder) {
  Watchdog watchdog;
  EventLog log(watchdog);
  EXPECT_THAT(log.events(), IsEmpty());
  log.add("a");
  log.add("b");
  log.add("a");
  EXPECT_THAT(log.events(), ElementsAre("a", "b", "a"));
}

TEST(EventLog, GivesACopyThatStaysAsItIs) {
  Watchdog watchdog;
  EventLog log(watchdog);
  log.add("a");
  const auto& before = log.events();
  log.add("b");
  EXPECT_THAT(before, ElementsAre("a"));
}

TEST(EventLog, CountsOneKindOfEvent) {
  Watchdog watchdog;
  EventLog log(watchdog);
  log.add("a");
  log.add("b");
  log.add("a");
  EXPECT_EQ(log.count("a"), 2U);
  EXPECT_EQ(log.count("b"), 1U);
  EXPECT_EQ(log.count("c"), 0U);
}

TEST(EventLog, AwaitDoesNotWaitForWhatHasHappened) {
  Watchdog watchdog;
  EventLog log(watchdog);
  log.add("a");
  log.add("b");
  log.await("a");
  log.await("a");
  EXPECT_THAT(log.events(), ElementsAre("a", "b")) << "await() took an event away";
}

TEST(EventLog, AwaitWaitsForItsEventAndNoOther) {
  Watchdog watchdog;
  EventLog log(watchdog);
  for (const std::string other_event : {"a", "bb", "ab", ""}) log.add(other_event);
  auto other = watchdog.thread("other: arrives when the test waits for it", [&] {
    watchdog.await("the test to wait for b", [&] {
      return watchdog.notes()->text().find("  test: for the event \"b\"\n") != std::string::npos;
    });
    log.add("b");
  });
  log.await("b");
  EXPECT_EQ(log.count("b"), 1U);
}

TEST(EventLog, WakesEveryWaiter) {
  Watchdog watchdog;
  for (int round = 0; round < 20; ++round) {
    EventLog log(watchdog);
    std::atomic<int> waiting = 0;
    std::atomic<int> awake = 0;
    std::vector<std::jthread> waiters;
    for (int i = 0; i < 3; ++i) {
      waiters.push_back(watchdog.thread("waiter: for a", [&] {
        ++waiting;
        log.await("a");
        ++awake;
      }));
    }
    watchdog.await("three waiters", [&] { return waiting == 3; });
    log.add("a");
    waiters.clear();  // joins
    ASSERT_EQ(awake, 3);
  }
}

TEST(EventLog, KeepsTheOrderOfEachThread) {
  Watchdog watchdog;
  EventLog log(watchdog);
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) expected.push_back(std::to_string(i));
  {
    std::vector<std::jthread> writers;
    for (const std::string writer : {"a", "b", "c"}) {
      writers.push_back(watchdog.thread("writer", [&log, &expected, writer] {
        for (const std::string& number : expected) log.add(writer + number);
      }));
    }
  }
  const std::vector<std::string> events = log.events();
  EXPECT_THAT(events, SizeIs(300));
  for (const char writer : {'a', 'b', 'c'}) {
    std::vector<std::string> written;
    for (const std::string& event : events) {
      if (event.front() == writer) written.push_back(event.substr(1));
    }
    EXPECT_EQ(written, expected) << "writer " << writer;
  }
}

TEST(EventLog, MayBeReadWhileOthersWrite) {
  Watchdog watchdog;
  for (const bool by_count : {true, false}) {
    EventLog log(watchdog);
    std::atomic<bool> reads = false;
    std::vector<std::jthread> writers;
    for (int i = 0; i < 3; ++i) {
      writers.push_back(watchdog.thread("writer: for the reader", [&] {
        watchdog.await("the reader", [&] { return reads.load(); });
        for (int event = 0; event < 50; ++event) log.add("a");
      }));
    }
    watchdog.await("all events", [&] {
      const auto seen = by_count ? log.count("a") : log.events().size();
      reads = true;
      return seen == 150;
    });
    writers.clear();  // joins
    EXPECT_THAT(log.events(), SizeIs(150));
  }
}

TEST(EventLog, MayOutliveTheWatchdog) {
  auto watchdog = std::make_unique<Watchdog>();
  EventLog log(*watchdog);
  watchdog.reset();
  log.add("a");
  log.await("a");  // leaves a note that is never read; it must not touch the destroyed watchdog
  EXPECT_EQ(log.count("a"), 1U);
}

}  // namespace
}  // namespace worker_pool
