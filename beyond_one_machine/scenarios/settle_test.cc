// What settle.h promises, with a real server and without a pool.
#include "consumer/settle.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/broker.h"
#include "consumer/attempts.h"
#include "scenarios/scenario.h"
#include "step1_job/context.h"
#include "step1_job/job.h"

namespace worker_pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Delivery fetch_one(Broker& broker) {
  std::vector<Delivery> jobs;
  while (jobs.empty()) jobs = broker.fetch(1, seconds(1));
  return jobs.front();
}

// A busy machine has three seconds from the last delivery to the end.
TEST(Settle, LeavesAJobThatFailsAfterItsLimitToTheConsumerThatHasItThen) {
  Scenario scenario({});
  const auto broker = std::make_shared<Broker>(
      Broker::Options{.url = scenario.server().url(), .ack_wait = seconds(3)});
  const auto note = scenario.watchdog().waiting("test: for the job");
  scenario.produce(1, "fail");
  fetch_one(*broker).again(milliseconds(0));
  const Delivery late = fetch_one(*broker);
  EXPECT_EQ(late.number, 2u);
  const Delivery others = fetch_one(*broker);  // when the ack wait is over
  EXPECT_EQ(others.number, 3u);

  int left = 0;
  Settle settle({.retry_delay = milliseconds(0)}, broker, [&](std::string_view what, auto&&) {
    left += what == "left to the broker" ? 1 : 0;
  });
  const AttemptLog attempts(broker->attempts());
  const auto take_in_hand = [&] {
    settle.in_hand().add({.delivery = late, .attempts = {}, .extend_until = Clock::now()});
  };
  for (const auto kind : {JobError::Kind::kFailed, JobError::Kind::kShutDown}) {
    take_in_hand();
    settle.job_started(0, {.id = late.id});
    attempts.write(late.id, {.starts = 3, .open = true});  // by the other consumer
    settle.job_finished(0, {.id = late.id}, std::unexpected(JobError{.kind = kind}));
    EXPECT_EQ(to_text(attempts.read(late.id)), "3 open");
  }
  take_in_hand();
  settle.hand_back(late.id);
  EXPECT_EQ(left, 3);
  EXPECT_TRUE(others.extend());
  EXPECT_TRUE(broker->fetch(1, milliseconds(300)).empty());
}

// The server refuses the payload.
TEST(Settle, HandsBackAJobThatItCannotBury) {
  Scenario scenario({});
  const auto broker = std::make_shared<Broker>(
      Broker::Options{.url = scenario.server().url(), .ack_wait = minutes(10)});
  const auto note = scenario.watchdog().waiting("test: for the job");
  scenario.produce(1, "fail");
  Settle settle({.retry_delay = milliseconds(0)}, broker, [](auto&&...) {});
  settle.in_hand().add({.delivery = fetch_one(*broker)});
  settle.bury({.id = "job-1", .payload = std::vector<std::byte>(2'000'000)}, "it failed");
  EXPECT_EQ(settle.counts().buried.load(), 0u);
  EXPECT_EQ(settle.counts().errors.load(), 1u);
  EXPECT_EQ(fetch_one(*broker).number, 2u);
}

}  // namespace
}  // namespace worker_pool
