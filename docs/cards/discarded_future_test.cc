// The future of std::async waits for its task in its destructor. A discarded future is destroyed at
// the end of the statement, so the call is not asynchronous. (WP-28)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

TEST(FutureOfAsync, DiscardedWaitsForItsTask) {
  Watchdog watchdog;
  EventLog log(watchdog);
  Gate gate(watchdog, "the task may finish");
  {
    const std::jthread caller = watchdog.thread("caller: for its own task", [&] {
      (void)std::async(std::launch::async, [&] {
        gate.wait();
        log.add("task finished");
      });
      log.add("next statement");
    });
    gate.await_arrivals(1);
    gate.open();
  }
  EXPECT_THAT(log.events(), ElementsAre("task finished", "next statement"));
}

// The caller opens the gate after its next statement. If it waited for its task, it would hang.
TEST(FutureOfAsync, KeptLetsTheCallerGoOn) {
  Watchdog watchdog;
  EventLog log(watchdog);
  Gate gate(watchdog, "the task may finish");
  {
    const std::future<void> kept = std::async(std::launch::async, [&] {
      gate.wait();
      log.add("task finished");
    });
    log.add("next statement");
    gate.open();
  }
  EXPECT_THAT(log.events(), ElementsAre("next statement", "task finished"));
}

}  // namespace
}  // namespace worker_pool
