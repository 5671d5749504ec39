// The retries of failed jobs under every schedule.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <thread>

#include "full_pattern/every_schedule/every_schedule.h"
#include "full_pattern/retry/retrier.h"
#include "full_pattern/retry/retry_queue.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/job.h"
#include "testing/lab/explorer.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr ShutdownLimits kNoLimits{.drain = kForever, .cancel = kForever};
constexpr WorkerPool::Options kSmall{.workers = 1, .capacity = 1, .channel = ChannelKind::kSimple};

// Without jitter, so that every schedule has the same times.
constexpr RetryPolicy kTwoTries{.tries = 2, .backoff = 1s, .jitter = 0};

JobResult fail(const Job&, const Context&) { return std::unexpected(JobError{}); }

JobResult run_until_stopped(const Job&, const Context& ctx) {
  lab::check(!ctx.sleep_for(kForever), "slept for the whole of forever");
  return std::unexpected(ended(*ctx.err()));
}

class FinalResults final : public Observer {
 public:
  void job_finished(int, const Job&, const JobResult&) override { ++count; }
  std::atomic<std::size_t> count = 0;
};

TEST(RetrySchedules, AJobWaitsOrHasFailedOrIsBack) {
  expect_every_schedule([] {
    const auto results = std::make_shared<FinalResults>();
    const auto retries = std::make_shared<RetryQueue>(kTwoTries, results);
    WorkerPool pool(kSmall, fail, retries);
    Retrier retrier(retries, pool);
    expect_sent(pool.submit(Job{.id = "a"}));
    std::size_t waiting = retrier.stop().size();
    const std::size_t back = pool.shutdown(kNoLimits).not_started.size();
    waiting += retrier.stop().size();
    lab::check(waiting + back + results->count == 1, "the job was lost or is there twice");
  });
}

TEST(RetrySchedules, AJobIsTriedAgain) {
  const auto scenario = [] {
    const auto results = std::make_shared<FinalResults>();
    const auto retries = std::make_shared<RetryQueue>(kTwoTries, results);
    WorkerPool pool(kSmall, fail, retries);
    Retrier retrier(retries, pool);
    expect_sent(pool.submit(Job{.id = "a"}));
    std::this_thread::sleep_for(1h);
    const std::size_t waiting = retrier.stop().size();
    const std::size_t back = pool.shutdown(kNoLimits).not_started.size();
    lab::check(waiting + back + results->count == 1, "the job was lost or is there twice");
  };
  expect_every_schedule(scenario, {.max_preemptions = preemptions(), .max_spurious_wakeups = 0});
}

// The pool is full, because b runs and c is queued, and a is due at once. Time is virtual here, so
// the pause is exact.
TEST(RetrySchedules, AFullPoolIsAskedAgainAfterTheBackoff) {
  const auto scenario = [] {
    const RetryPolicy in_an_hour = {.backoff = 1h, .longest = 1h};
    const auto retries = std::make_shared<RetryQueue>(in_an_hour, nullptr, [] { return 0.0; });
    WorkerPool pool(kSmall, run_until_stopped, retries);
    for (const std::string id : {"b", "c"}) expect_sent(pool.submit(Job{.id = id}));
    const Retrier retrier(retries, pool);
    retries->job_finished(1, Job{.id = "a"}, std::unexpected(JobError{}));  // plays a worker
    std::this_thread::sleep_for(59min);
    lab::check(pool.metrics().rejected == 1, "the full pool was asked again too early");
    std::this_thread::sleep_for(2min);
    lab::check(pool.metrics().rejected == 2, "the full pool was not asked again in time");
  };
  expect_every_schedule(scenario, {.max_preemptions = 1, .early_timeouts = false});
}

// With two preemptions this alone would take minutes.
TEST(RetrySchedules, AJobThatTheShutdownStopsIsBack) {
  const auto scenario = [] {
    const auto results = std::make_shared<FinalResults>();
    const auto retries = std::make_shared<RetryQueue>(kTwoTries, results);
    WorkerPool pool(kSmall, run_until_stopped, retries);
    Retrier retrier(retries, pool);
    expect_sent(pool.submit(Job{.id = "a"}));
    const std::size_t back = pool.shutdown({.drain = 0s, .cancel = kForever}).not_started.size();
    lab::check(back + retrier.stop().size() == 1, "the job was lost or is there twice");
  };
  expect_every_schedule(scenario, {.max_preemptions = 1});
}

}  // namespace
}  // namespace worker_pool
