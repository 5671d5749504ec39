// What WorkerPool::metrics() counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>

#include "full_pattern/pool_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/worker.h"
#include "step4_shutdown/shutdown.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class WorkerPoolOn : public ::testing::TestWithParam<ChannelKind> {};
INSTANTIATE_TEST_SUITE_P(Pool, WorkerPoolOn,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);

// --- Metrics -------------------------------------------------------------------------------------

TEST_P(WorkerPoolOn, MetricsOfANewPoolAreZero) {
  const Watchdog watchdog;
  const WorkerPool pool({.channel = GetParam()}, succeed);
  const Metrics metrics = pool.metrics();
  EXPECT_EQ(metrics.submitted, 0u);
  EXPECT_EQ(metrics.rejected, 0u);
  EXPECT_EQ(metrics.succeeded, 0u);
  EXPECT_EQ(metrics.failed, 0u);
  EXPECT_EQ(metrics.not_started, 0u);
  EXPECT_EQ(metrics.queued, 0u);
  EXPECT_EQ(metrics.running, 0u);
}

TEST_P(WorkerPoolOn, MetricsAreExactWhileJobsAreHeld) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  WorkerPool pool({.workers = 2, .channel = GetParam()}, Held::handler(held));
  for (const std::string id : {"a", "b", "c", "d", "e"}) {
    ASSERT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
  }
  held->gate.await_arrivals(2);
  const Metrics during = pool.metrics();
  EXPECT_EQ(during.submitted, 5u);
  EXPECT_EQ(during.running, 2u);
  EXPECT_EQ(during.queued, 3u);

  held->gate.open();
  (void)pool.shutdown(kPatient);
  const Metrics after = pool.metrics();
  EXPECT_EQ(after.submitted, 5u);
  EXPECT_EQ(after.succeeded, 5u);
  EXPECT_EQ(after.running, 0u);
  EXPECT_EQ(after.queued, 0u);
}

// Metrics and the shutdown report have one rule for when a job has finished.
TEST_P(WorkerPoolOn, AJobIsRunningUntilItsObserverHasReturned) {
  struct Blocks : Observer {
    explicit Blocks(const Watchdog& watchdog) : gate(watchdog, "the observer may return") {}
    void job_finished(int, const Job&, const JobResult&) override { gate.wait(); }
    Gate gate;
  };
  const Watchdog watchdog;
  const auto observer = std::make_shared<Blocks>(watchdog);
  WorkerPool pool({.workers = 1, .channel = GetParam()}, succeed, observer);
  ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
  observer->gate.await_arrivals(1);
  EXPECT_EQ(pool.metrics().running, 1u);
  EXPECT_EQ(pool.metrics().succeeded, 0u);
  const ShutdownReport report = pool.shutdown(kAbandonNow);
  EXPECT_THAT(report.still_running, ElementsAre("a"));
  EXPECT_EQ(pool.metrics().running, 1u);

  observer->gate.open();
  watchdog.await("the job to finish", [&] { return pool.metrics().succeeded == 1; });
  EXPECT_EQ(pool.metrics().running, 0u);
}

TEST_P(WorkerPoolOn, MetricsCountEachKindOfResult) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  WorkerPool pool({.workers = 1, .channel = GetParam()},
                  [held](const Job& job, const Context& ctx) -> JobResult {
                    held->log.add("start " + job.id);
                    if (job.id == "fails")
                      return std::unexpected(JobError{JobError::Kind::kFailed, "no"});
                    if (job.id == "throws") throw std::runtime_error("no");
                    if (job.id == "stays") (void)ctx.sleep_for(Clock::duration::max());
                    return {};
                  });
  for (const std::string id : {"succeeds", "fails", "throws"}) {
    ASSERT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
  }
  ASSERT_EQ(pool.submit(Job{.id = "late", .ctx = Context().with_timeout(0ms)}), SendStatus::kSent);
  ASSERT_EQ(pool.submit(Job{.id = "stays"}), SendStatus::kSent);
  ASSERT_EQ(pool.submit(Job{.id = "handed back"}), SendStatus::kSent);
  held->log.await("start stays");

  const ShutdownReport report = pool.shutdown(kCancelNow);
  EXPECT_THAT(ids_of(report.not_started), ElementsAre("handed back"));
  const Metrics metrics = pool.metrics();
  EXPECT_EQ(metrics.submitted, 6u);
  EXPECT_EQ(metrics.succeeded, 2u) << "succeeds, and stays: it returned success when cancelled";
  EXPECT_EQ(metrics.failed, 3u) << "fails, throws, late";
  EXPECT_EQ(metrics.not_started, 1u);
  EXPECT_EQ(metrics.submitted, metrics.succeeded + metrics.failed + metrics.not_started);
}

TEST_P(WorkerPoolOn, MetricsCountWhatTheShutdownStoppedAmongTheFailed) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  WorkerPool pool({.workers = 2, .channel = GetParam()}, until_cancelled(log));
  std::stop_source caller;
  ASSERT_EQ(pool.submit(Job{.id = "a", .ctx = Context(caller.get_token())}), SendStatus::kSent);
  ASSERT_EQ(pool.submit(Job{.id = "b"}), SendStatus::kSent);
  log->await("start a");
  log->await("start b");
  caller.request_stop();
  watchdog.await("a to fail", [&] { return pool.metrics().failed == 1; });
  EXPECT_EQ(pool.metrics().shut_down, 0u) << "its caller canceled a";
  (void)pool.shutdown(kCancelNow);
  EXPECT_EQ(pool.metrics().failed, 2u);
  EXPECT_EQ(pool.metrics().shut_down, 1u);
}

TEST_P(WorkerPoolOn, MetricsAddUpWhateverTheObserverThrows) {
  struct Throws : Observer {
    void job_started(int, const Job&) override { throw std::runtime_error("no"); }
    void job_finished(int, const Job&, const JobResult&) override {
      throw std::runtime_error("no");
    }
  };
  const Watchdog watchdog;
  WorkerPool pool({.workers = 1, .channel = GetParam()}, succeed, std::make_shared<Throws>());
  ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
  ASSERT_EQ(pool.submit(Job{.id = "b"}), SendStatus::kSent);
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  EXPECT_EQ(pool.metrics().succeeded, 2u);
  EXPECT_EQ(pool.metrics().running, 0u);
}

TEST_P(WorkerPoolOn, MetricsAreConsistentAtEveryMoment) {
  constexpr std::size_t kWorkers = 2;
  constexpr std::size_t kCapacity = 3;
  constexpr std::uint64_t kJobs = 2'000;
  const Watchdog watchdog;
  std::atomic<std::uint64_t> offered = 0;
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<std::uint64_t> handled = 0;
  WorkerPool pool({.workers = kWorkers, .capacity = kCapacity, .channel = GetParam()},
                  [&](const Job&, const Context&) {
                    ++handled;
                    return JobResult();
                  });
  {
    const auto producer = watchdog.thread("producer: submit", [&] {
      while (offered < kJobs) {
        ++offered;
        if (pool.submit(Job{}) == SendStatus::kSent) ++accepted;
      }
    });
    Metrics last;
    while (accepted < kJobs) {
      const std::uint64_t accepted_before = accepted;
      const Metrics now = pool.metrics();
      EXPECT_GE(now.submitted, accepted_before);
      EXPECT_LE(now.submitted, offered);
      EXPECT_LE(now.succeeded, handled);
      EXPECT_LE(now.running, kWorkers);
      EXPECT_LE(now.queued, kCapacity);
      EXPECT_EQ(now.not_started, 0u);
      EXPECT_GE(now.submitted, last.submitted) << "a counter went down";
      EXPECT_GE(now.succeeded, last.succeeded) << "a counter went down";
      last = now;
    }
  }
  (void)pool.shutdown(kPatient);
  EXPECT_EQ(pool.metrics().succeeded, kJobs);
}

}  // namespace
}  // namespace worker_pool
