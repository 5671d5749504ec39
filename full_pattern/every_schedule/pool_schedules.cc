// The pool under every schedule.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <stdexcept>
#include <string>
#include <thread>

#include "full_pattern/every_schedule/every_schedule.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/job.h"
#include "step4_shutdown/shutdown.h"
#include "testing/lab/explorer.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr ShutdownLimits kNoLimits{.drain = kForever, .cancel = kForever};
// The fast channel would multiply the schedules. It has tests of its own.
constexpr WorkerPool::Options kSmall{.workers = 1, .capacity = 1, .channel = ChannelKind::kSimple};

JobResult succeed(const Job&, const Context&) { return {}; }

TEST(PoolSchedules, ConcurrentShutdownsReturnTheSameReport) {
  expect_every_schedule([] {
    WorkerPool pool(kSmall, succeed);
    expect_sent(pool.submit(Job{.id = "a"}));
    std::jthread other([&] {
      const ShutdownReport report = pool.shutdown(kNoLimits);
      lab::check(report.outcome == ShutdownOutcome::kDrained, "not drained");
    });
    const ShutdownReport report = pool.shutdown(kNoLimits);
    lab::check(report.outcome == ShutdownOutcome::kDrained, "not drained");
    lab::check(pool.metrics().succeeded == 1, "the job did not run exactly once");
  });
}

TEST(PoolSchedules, TheDestructorCancelsWhatRuns) {
  expect_every_schedule([] {
    WorkerPool pool(kSmall, [](const Job&, const Context& ctx) -> JobResult {
      lab::check(!ctx.sleep_for(kForever), "slept for the whole of forever");
      return std::unexpected(ended(CancelReason::kCancelled));
    });
    expect_sent(pool.submit(Job{.id = "a"}));
  });
}

TEST(PoolSchedules, ThePoolIsClosedBeforeItsDestructorCancels) {
  expect_every_schedule([] {
    WorkerPool* itself = nullptr;
    WorkerPool pool(kSmall, [&](const Job&, const Context& ctx) -> JobResult {
      lab::check(!ctx.sleep_for(kForever), "slept for the whole of forever");
      lab::check(itself->try_submit(Job{.id = "more"}) == SendStatus::kClosed,
                 "a canceled job could still submit another");
      return std::unexpected(ended(CancelReason::kCancelled));
    });
    itself = &pool;
    expect_sent(pool.submit(Job{.id = "a"}));
    std::this_thread::sleep_for(1s);  // a runs
  });
}

// metrics() computes two of the numbers from the others, so the sum alone would be right even if
// these two had wrapped.
TEST(PoolSchedules, MetricsAddUpAtEveryMoment) {
  const auto scenario = [] {
    WorkerPool pool({.workers = 2, .capacity = 1, .channel = ChannelKind::kSimple}, succeed);
    std::jthread reader([&] {
      const Metrics m = pool.metrics();
      const auto sum = m.succeeded + m.failed + m.not_started + m.queued + m.running;
      lab::check(m.submitted == sum, "submitted: " + std::to_string(m.submitted) +
                                         ", but the sum of the others: " + std::to_string(sum));
      const auto check_at_most = [](std::uint64_t limit, std::uint64_t count,
                                    const std::string& what) {
        lab::check(count <= limit, "of one job, " + std::to_string(count) + " " + what);
      };
      check_at_most(1, m.submitted, "were submitted");
      check_at_most(1, m.queued, "are queued");
      check_at_most(1, m.running, "run");
      check_at_most(1, m.succeeded, "have succeeded");
      check_at_most(0, m.failed, "have failed");
      check_at_most(0, m.not_started, "are not started");
    });
    expect_sent(pool.submit(Job{.id = "a"}));
    reader.join();
    (void)pool.shutdown(kNoLimits);
  };
  // Two workers make too many schedules for more.
  expect_every_schedule(scenario, {.max_preemptions = 1, .max_spurious_wakeups = 0});
}

TEST(PoolSchedules, ASubmitDuringTheShutdownIsAcceptedOrRefused) {
  expect_every_schedule([] {
    WorkerPool pool(kSmall, succeed);
    Job job{.id = "a"};
    SendStatus status = SendStatus::kFull;
    std::jthread submitter([&] { status = pool.submit(std::move(job)); });
    const ShutdownReport report = pool.shutdown(kNoLimits);
    submitter.join();
    const Metrics m = pool.metrics();
    const bool is_sent = status == SendStatus::kSent;
    lab::check(is_sent || job.id == "a", "a refused job is no longer the caller's");
    lab::check(m.succeeded + report.not_started.size() == (is_sent ? 1 : 0),
               "the job was lost or is there twice");
  });
}

TEST(PoolSchedules, AJobThatThrowsFails) {
  expect_every_schedule([] {
    WorkerPool pool(kSmall, [](const Job&, const Context&) -> JobResult {
      throw std::runtime_error("a bug in the handler");
    });
    expect_sent(pool.submit(Job{.id = "a"}));
    expect_sent(pool.submit(Job{.id = "b"}));
    (void)pool.shutdown(kNoLimits);
    lab::check(pool.metrics().failed == 2, "a job that threw does not count as failed");
  });
}

TEST(PoolSchedules, AJobMaySubmitAnother) {
  expect_every_schedule([] {
    std::atomic<int> refused = 0;
    std::atomic<WorkerPool*> itself = nullptr;
    WorkerPool pool(kSmall, [&](const Job& job, const Context&) -> JobResult {
      WorkerPool* const pool_of_job = itself;
      if (job.id != "first" || pool_of_job == nullptr) return {};
      if (pool_of_job->try_submit(Job{.id = "second"}) != SendStatus::kSent) ++refused;
      return {};
    });
    itself = &pool;
    expect_sent(pool.submit(Job{.id = "first"}));
    const ShutdownReport report = pool.shutdown(kNoLimits);
    const Metrics m = pool.metrics();
    lab::check(report.not_started.empty(), "a drained pool handed a job back");
    lab::check(m.succeeded + static_cast<std::size_t>(refused) == 2, "a job was lost");
  });
}

}  // namespace
}  // namespace worker_pool
