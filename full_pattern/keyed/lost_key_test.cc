// A KeyedPool whose function for the keys throws, or answers differently, once a job has finished.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "full_pattern/keyed/keyed_pool.h"
#include "full_pattern/keyed/keyed_testing.h"
#include "full_pattern/pool_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step4_shutdown/shutdown.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

// Calls `lose` instead when it is asked for the key of job a1 for the second time.
KeyOf loses_the_key_of_a1(std::function<std::string()> lose) {
  const auto calls = std::make_shared<std::atomic<int>>(0);
  return [calls, lose = std::move(lose)](const Job& job) {
    const bool again = job.id == "a1" && ++*calls == 2;
    return again ? lose() : first_letter_of(job);
  };
}

std::string throw_no_key() { throw std::runtime_error("no key"); }
std::string throw_a_number() { throw 42; }
std::string another_key() { return "z"; }

class KeyedPoolThatLosesAKey : public ::testing::TestWithParam<std::string (*)()> {};

std::string name_of_loss(const ::testing::TestParamInfo<std::string (*)()>& loss) {
  if (loss.param == throw_no_key) return "Throws";
  return loss.param == throw_a_number ? "ThrowsANumber" : "AnswersDifferently";
}
INSTANTIATE_TEST_SUITE_P(KeyOf, KeyedPoolThatLosesAKey,
                         ::testing::Values(throw_no_key, throw_a_number, another_key),
                         name_of_loss);

TEST_P(KeyedPoolThatLosesAKey, HandsItsJobsBackWhenTheOthersHaveRun) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  KeyedPool pool({.workers = 1}, loses_the_key_of_a1(GetParam()), Held::handler(held));
  for (const char* const id : {"a1", "a2", "b1", "b2"}) {
    ASSERT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
  }
  held->gate.open();
  const auto note = watchdog.waiting("test: for shutdown() to return");
  const ShutdownReport report = pool.shutdown(kPatient);
  EXPECT_THAT(ids_of(report.not_started), ElementsAre("a2"));
  EXPECT_EQ(pool.metrics().succeeded, 3u) << "a1, b1 and b2";
  EXPECT_EQ(report.outcome, ShutdownOutcome::kCancelled);
  ASSERT_TRUE(report.cancelled_at) << "the report does not say when";
  EXPECT_GE(*report.cancelled_at, report.closed_at);
}

// The shutdown may wait already when the key is lost, or not yet.
TEST_P(KeyedPoolThatLosesAKey, HandsItsJobsBackToAShutdownThatCameFirst) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  KeyedPool pool({.workers = 1}, loses_the_key_of_a1(GetParam()), Held::handler(held));
  for (const char* const id : {"a1", "a2"}) {
    ASSERT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
  }
  std::optional<ShutdownReport> report;
  {
    const auto stopper = watchdog.thread("stopper: shutdown without a limit",
                                         [&] { report = pool.shutdown(kPatient); });
    watchdog.await("the pool to be closed",
                   [&] { return pool.try_submit(Job{.id = "b1"}) == SendStatus::kClosed; });
    held->gate.open();
  }
  EXPECT_THAT(ids_of(report->not_started), ElementsAre("a2"));
}

// a1 is late and fills the pool's queue, so b1 waits for room there. The worker does not start a1,
// so b1 is passed on when a1 has finished, or never.
TEST_P(KeyedPoolThatLosesAKey, PassesTheJobsOfOtherKeysOn) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  KeyedPool pool({.workers = 1, .capacity = 1}, loses_the_key_of_a1(GetParam()),
                 Held::handler(held));
  ASSERT_EQ(pool.try_submit(Job{.id = "x1"}), SendStatus::kSent);
  held->log.await("start x1");
  ASSERT_EQ(pool.try_submit(Job{.id = "a1", .ctx = Context().with_timeout(0ms)}),
            SendStatus::kSent);
  ASSERT_EQ(pool.try_submit(Job{.id = "b1"}), SendStatus::kSent);
  held->gate.open();
  held->log.await("start b1");
}

}  // namespace
}  // namespace worker_pool
