// Consumers that end: killed, replaced in a rollout, crashed by a job, held up by a job.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "scenarios/raw_client.h"
#include "scenarios/scenario.h"
#include "step1_job/context.h"

namespace worker_pool {
namespace {

constexpr int kRunning = 3;  // workers of one consumer

constexpr int kJobsPerStep = 40;  // more than all consumers can have in hand

// Replaces each consumer, `rounds` times, while it runs a job.
void roll_out(Scenario& scenario, const std::vector<std::string>& names, int rounds) {
  Clock::duration slowest{};
  for (int round = 0; round < rounds; ++round) {
    for (const std::string& name : names) {
      scenario.produce(kJobsPerStep, "sleep 50", name + std::to_string(round) + "-");
      scenario.await_start_by(name);
      const auto start = Clock::now();
      EXPECT_EQ(scenario.terminate(name), 0);
      slowest = std::max(slowest, Clock::now() - start);
      scenario.consumer(name);
    }
  }
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(slowest).count();
  std::cout << "The slowest consumer exited after " << ms << " ms\n";
  EXPECT_LT(ms, 6'000);  // the default limits: 5 s to drain and 1 s to cancel
}

TEST(ConsumerEnd, KilledLosesNothingAndOnlyItsRunningJobsStartAgain) {
  Scenario scenario({"--ack_wait_ms=1000"});
  for (const char* name : {"a", "b", "c"}) scenario.consumer(name);
  scenario.produce(300, "sleep 10");
  scenario.await("some jobs", [](const JobLog& log) { return log.jobs("started") >= 30; });
  scenario.kill("a");
  scenario.expect_all_done(300);
  EXPECT_LE(scenario.log().jobs("started", 2), kRunning);
}

// The ack wait is longer than the test may take, so a job that is not handed back fails it.
TEST(ConsumerEnd, DrainedRolloutStartsNoJobTwice) {
  Scenario scenario({"--ack_wait_ms=600000"});
  for (const char* name : {"a", "b", "c"}) scenario.consumer(name);
  roll_out(scenario, {"a", "b", "c"}, 3);
  scenario.expect_all_done(9 * kJobsPerStep);
  EXPECT_EQ(scenario.log().jobs("started", 2), 0u);
}

TEST(ConsumerEnd, RolloutWithoutDrainHandsBackAndBuriesNothing) {
  Scenario scenario({"--ack_wait_ms=600000", "--drain_ms=0"});
  for (const char* name : {"a", "b"}) scenario.consumer(name);
  roll_out(scenario, {"a", "b"}, 4);
  scenario.expect_all_done(8 * kJobsPerStep);
  EXPECT_GT(scenario.log().jobs("handed back"), 0u);
  EXPECT_EQ(scenario.broker().depth().buried, 0u);
}

// After two starts that count, the job would be buried.
TEST(ConsumerEnd, StartsThatAShutdownInterruptsDoNotCount) {
  Scenario scenario({"--ack_wait_ms=600000", "--drain_ms=0", "--max_starts=2"});
  scenario.produce(1, "sleep 2000");
  for (int round = 0; round < 4; ++round) {
    scenario.consumer("a");
    scenario.await_start_by("a");
    EXPECT_EQ(scenario.terminate("a"), 0);
  }
  scenario.consumer("b");
  scenario.expect_all_done(1);
  EXPECT_EQ(scenario.log().times("started", "job-1"), 5);
}

TEST(ConsumerEnd, JobThatIgnoresEverythingIsLeftToTheBroker) {
  Scenario scenario({"--ack_wait_ms=1000", "--drain_ms=100", "--cancel_ms=100"});
  scenario.consumer("a");
  scenario.produce(1, "ignore 600000");
  scenario.await("the job", [](const JobLog& log) { return log.jobs("started") == 1; });
  EXPECT_EQ(scenario.terminate("a"), 3);
  scenario.await_line("a: left alone: job-1");
  scenario.consumer("b");
  scenario.await("the job again", [](const JobLog& log) { return log.jobs("started", 2) == 1; });
  EXPECT_EQ(scenario.broker().depth().jobs, 1u);
}

TEST(ConsumerEnd, WithAnotherAckWaitThanTheOthersItExitsWithStatus1) {
  Scenario scenario({"--ack_wait_ms=1000"});
  Broker other({.url = scenario.server().url(), .ack_wait = std::chrono::seconds(2)});
  (void)other.fetch(1, std::chrono::milliseconds(1));
  scenario.consumer("a");
  scenario.await_line("a: exit 1");
  scenario.await_line(
      "a: consumer: the ack wait is 1000 ms here, and 2000 ms in the server's consumer pool-2000");
}

TEST(ConsumerEnd, ThatCannotGoOnDoesNotWaitForAJobThatIgnoresEverything) {
  Scenario scenario({"--ack_wait_ms=1000"});
  scenario.consumer("a");
  scenario.produce(1, "ignore 600000");
  scenario.await_start_by("a");
  RawClient raw(scenario.server().url());
  Broker other({.url = scenario.server().url(), .ack_wait = std::chrono::seconds(2)});
  scenario.watchdog().await("another ack wait", [&] {
    try {
      (void)other.fetch(1, std::chrono::milliseconds(1));
      return true;
    } catch (const std::invalid_argument&) {  // "a" has registered, perhaps once more
      raw.remove_consumer("pool-1000");
      return false;
    }
  });
  scenario.await_line("a: exit 1");
}

}  // namespace
}  // namespace worker_pool
