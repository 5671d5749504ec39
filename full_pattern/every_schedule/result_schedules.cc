// Jobs with results under every schedule.
#include <gtest/gtest.h>

#include <chrono>
#include <expected>
#include <future>
#include <thread>

#include "full_pattern/every_schedule/every_schedule.h"
#include "full_pattern/results/result_pool.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/job.h"
#include "testing/lab/explorer.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr WorkerPool::Options kSmall{.workers = 1, .capacity = 1, .channel = ChannelKind::kSimple};

Outcome<int> return_42(const Job&, const Context&) { return 42; }

void check_answer(std::future<Outcome<int>>& future) {
  const Outcome<int> outcome = future.get();
  lab::check(outcome ? *outcome == 42 : outcome.error().kind == JobError::Kind::kShutDown,
             "neither the result nor the shutdown");
}

TEST(ResultSchedules, AnAcceptedJobIsAnsweredWhateverTheShutdownDoes) {
  const auto scenario = [] {
    ResultPool<int> pool(kSmall, return_42);
    std::jthread producer([&pool] {
      auto future = pool.submit(Job{.id = "a"});
      if (future) check_answer(*future);
    });
    (void)pool.shutdown({.drain = 0s, .cancel = kForever});
  };
  expect_every_schedule(scenario, {.max_preemptions = 1});  // two take a minute
}

// The job may finish before submit() returns.
TEST(ResultSchedules, AFinishedJobHasItsResult) {
  expect_every_schedule([] {
    ResultPool<int> pool(kSmall, return_42);
    auto future = pool.submit(Job{.id = "a"});
    lab::check(future.has_value(), "an open pool refused a job");
    (void)pool.shutdown({.drain = kForever});
    const Outcome<int> outcome = future->get();
    lab::check(outcome == 42, "the job has finished, and its result is lost");
  });
}

}  // namespace
}  // namespace worker_pool
