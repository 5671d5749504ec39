// Order per key under every schedule.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <thread>

#include "full_pattern/every_schedule/every_schedule.h"
#include "full_pattern/keyed/keyed_pool.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "testing/lab/explorer.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr ShutdownLimits kNoLimits{.drain = kForever, .cancel = kForever};
constexpr WorkerPool::Options kSmall{.workers = 1, .capacity = 1, .channel = ChannelKind::kSimple};
constexpr WorkerPool::Options kTwoWorkers{
    .workers = 2, .capacity = 2, .channel = ChannelKind::kSimple};

std::string key_of(const Job& job) { return job.id.substr(0, 1); }

JobResult run_until_stopped(const Job&, const Context& ctx) {
  lab::check(!ctx.sleep_for(kForever), "slept for the whole of forever");
  return std::unexpected(ended(*ctx.err()));
}

// The plain variable has a data race if the two jobs run at once. With two preemptions this test
// would take minutes.
TEST(KeyedSchedules, TheJobsOfAKeyRunOneAfterAnother) {
  const auto scenario = [] {
    std::string ran;
    KeyedPool pool(kTwoWorkers, key_of, [&ran](const Job& job, const Context&) -> JobResult {
      ran += job.id;
      return {};
    });
    expect_sent(pool.submit(Job{.id = "a1"}));
    expect_sent(pool.submit(Job{.id = "a2"}));
    lab::check(pool.shutdown(kNoLimits).outcome == ShutdownOutcome::kDrained, "not drained");
    lab::check(ran == "a1a2", "jobs are lost or out of order: " + ran);
  };
  expect_every_schedule(scenario, {.max_preemptions = 1});
}

// One worker and room for one job: the second key's job waits for room in the pool.
TEST(KeyedSchedules, AJobThatFoundThePoolFullRunsLater) {
  expect_every_schedule([] {
    std::size_t ran = 0;
    KeyedPool pool(kSmall, key_of, [&](const Job&, const Context&) -> JobResult {
      ++ran;
      return {};
    });
    for (const std::string id : {"a1", "b1", "c1"}) expect_sent(pool.submit(Job{.id = id}));
    lab::check(pool.shutdown(kNoLimits).outcome == ShutdownOutcome::kDrained, "not drained");
    lab::check(ran == 3, "the pool has drained, and a job has not run");
  });
}

TEST(KeyedSchedules, AnAcceptedJobHasRunOrIsBack) {
  const auto scenario = [] {
    std::atomic<std::size_t> ran = 0;
    std::size_t accepted = 1;
    KeyedPool pool(kSmall, key_of, [&](const Job&, const Context&) -> JobResult {
      ++ran;
      return {};
    });
    expect_sent(pool.submit(Job{.id = "a1"}));
    std::size_t back = 0;
    {
      const std::jthread producer([&] {
        if (pool.submit(Job{.id = "a2"}) == SendStatus::kSent) ++accepted;
      });
      back = pool.shutdown({.drain = 0s, .cancel = kForever}).not_started.size();
    }
    lab::check(ran + back == accepted, "an accepted job is lost or is there twice");
    const Metrics metrics = pool.metrics();
    lab::check(metrics.submitted == metrics.succeeded + metrics.not_started &&
                   metrics.submitted == accepted,
               "the metrics do not add up");
  };
  expect_every_schedule(scenario, {.max_preemptions = 1});
}

// a1 runs and a2 waits for it, so there is no room for a3.
TEST(KeyedSchedules, CloseWakesABlockedSubmit) {
  const auto scenario = [] {
    KeyedPool pool(kSmall, key_of, run_until_stopped);
    for (const std::string id : {"a1", "a2"}) expect_sent(pool.submit(Job{.id = id}));
    const std::jthread producer([&pool] {
      lab::check(pool.submit(Job{.id = "a3"}) == SendStatus::kClosed, "a3 was not refused");
    });
    pool.close();
  };
  expect_every_schedule(scenario, {.max_preemptions = preemptions(), .max_spurious_wakeups = 0});
}

// Time is virtual here, so the limit is exact.
TEST(KeyedSchedules, TheWholeDrainTakesAsLongAsItsLimit) {
  const auto scenario = [] {
    KeyedPool pool(kSmall, key_of, run_until_stopped);
    expect_sent(pool.submit(Job{.id = "a1"}));
    expect_sent(pool.submit(Job{.id = "a2"}));
    std::this_thread::sleep_for(1s);  // a1 runs
    const ShutdownReport report = pool.shutdown({.drain = 1h, .cancel = kForever});
    lab::check(report.cancelled_at == report.closed_at + 1h, "the drain did not take an hour");
    lab::check(report.not_started.size() == 1, "a2 is not handed back");
  };
  expect_every_schedule(scenario, {.max_preemptions = preemptions(), .early_timeouts = false});
}

}  // namespace
}  // namespace worker_pool
