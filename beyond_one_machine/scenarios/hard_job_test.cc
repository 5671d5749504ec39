// Jobs that fail every time, crash their process, or take longer than the ack wait.
#include <gtest/gtest.h>

#include "scenarios/scenario.h"

namespace worker_pool {
namespace {

TEST(HardJob, ThatAlwaysFailsIsBuriedAfterFiveStarts) {
  Scenario scenario({"--ack_wait_ms=600000", "--retry_ms=50"});
  for (const char* name : {"a", "b"}) scenario.consumer(name);
  scenario.produce(1, "fail", "poison-");
  scenario.produce(50, "sleep 5");
  scenario.await("the burial", [](const JobLog& log) { return log.jobs("buried") == 1; });
  scenario.expect_all_done(50);
  EXPECT_EQ(scenario.log().times("started", "poison-1"), 5);
  EXPECT_EQ(scenario.broker().depth().buried, 1u);
}

TEST(HardJob, ThatCrashesItsProcessIsBuriedAloneAndTheOthersAreDone) {
  Scenario scenario({"--ack_wait_ms=1000"});
  scenario.produce(10, "sleep 20", "before-");
  scenario.produce(1, "crash", "crash-");
  scenario.produce(10, "sleep 20", "after-");
  const auto crashes = [](const JobLog& log) { return log.times("exit", "134"); };
  const auto is_buried = [](const JobLog& log) { return log.jobs("buried") == 1; };
  while (!is_buried(scenario.log())) {
    const int before = crashes(scenario.log());
    scenario.consumer("a");
    scenario.await("a crash or a burial",
                   [&](const JobLog& log) { return is_buried(log) || crashes(log) > before; });
  }
  scenario.expect_all_done(20);
  EXPECT_EQ(scenario.log().times("buried", "crash-1"), 1);
  EXPECT_GE(crashes(scenario.log()), 5);
  EXPECT_LE(crashes(scenario.log()), 6);
  // Two crashes may end other jobs: those of the first start, which is not recorded, and of the
  // second. Each time, the two other workers may have one.
  EXPECT_LE(scenario.log().jobs("started", 2), 1u + 2 * 2);
}

TEST(HardJob, ThatTakesLongerThanTheAckWaitStartsOnce) {
  Scenario scenario({"--ack_wait_ms=1000"});
  for (const char* name : {"a", "b"}) scenario.consumer(name);
  scenario.produce(12, "sleep 3000");
  scenario.expect_all_done(12);
  EXPECT_EQ(scenario.log().jobs("started", 2), 0u);
}

}  // namespace
}  // namespace worker_pool
