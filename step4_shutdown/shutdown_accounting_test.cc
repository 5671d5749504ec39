// Every accepted job is accounted for, whenever the shutdown begins: its result went to the
// observer, or it was handed back, or it is named as still running. No job is missing, and none is
// reported twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"
#include "step3_dispatcher/dispatcher.h"
#include "step4_shutdown/shutdown.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

using Ids = std::vector<std::string>;

// shutdown() without a drain, under a note for the watchdog.
ShutdownReport shut_down(const Watchdog& watchdog, Workers& pool,
                         Clock::duration cancel = Clock::duration::zero()) {
  const auto note = watchdog.waiting("test: for shutdown() to return");
  return shutdown(pool, {.drain = Clock::duration::zero(), .cancel = cancel});
}

// Logs the id of each finished job. Shared with workers that may be abandoned.
struct Finished : Observer {
  EventLog log;
  explicit Finished(const Watchdog& watchdog) : log(watchdog) {}
  void job_finished(int, const Job& job, const JobResult&) override { log.add(job.id); }
};

Ids send_numbered(Workers& pool, int count) {
  Ids sent;
  for (int i = 1; i <= count; ++i) {
    sent.push_back(std::to_string(i));
    EXPECT_EQ(pool.jobs.send(Job{.id = sent.back()}), SendStatus::kSent) << "job " << i;
  }
  return sent;
}

Ids handed_back(const ShutdownReport& report) {
  Ids back;
  for (const Job& job : report.not_started) back.push_back(job.id);
  return back;
}

Ids operator+(Ids all, const Ids& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// The ids in `some` that are not in `others`, counting duplicates.
Ids without(Ids some, Ids others) {
  std::ranges::sort(some);
  std::ranges::sort(others);
  Ids left;
  std::ranges::set_difference(some, others, std::back_inserter(left));
  return left;
}

// Checks where each job is when shutdown() returns. A job that is named may also be reported,
// because it may finish right after shutdown() wrote its report.
void expect_none_missing(const Ids& sent, const Ids& reported, const ShutdownReport& report) {
  const Ids missing = without(sent, reported + report.still_running + handed_back(report));
  // Each "?" stands for one job whose worker was too slow to name it.
  const auto unnamed = static_cast<std::size_t>(std::ranges::count(report.still_running, "?"));
  EXPECT_THAT(missing, SizeIs(Le(unnamed)))
      << "these jobs were neither reported, nor named, nor handed back";
}

// Checks where each job is once all workers have left: reported once, or handed back.
void expect_each_once(const Ids& sent, const Ids& reported, const ShutdownReport& report) {
  EXPECT_THAT(without(sent, reported + handed_back(report)), IsEmpty())
      << "these jobs were neither reported nor handed back";
  EXPECT_THAT(without(reported + handed_back(report), sent), IsEmpty())
      << "these jobs were reported and handed back, or reported twice";
}

// Checks that the outcome fits the two lists.
void expect_consistent(const ShutdownReport& report) {
  if (report.outcome == ShutdownOutcome::kDrained) {
    EXPECT_THAT(handed_back(report), IsEmpty()) << "drained, but these jobs never started";
  }
  if (report.outcome != ShutdownOutcome::kAbandoned) {
    EXPECT_THAT(report.still_running, IsEmpty()) << "not abandoned, but these jobs still run";
  }
}

class ShutdownRightAfterSending : public ::testing::TestWithParam<int> {};

TEST_P(ShutdownRightAfterSending, AccountsForEveryQuickJob) {
  const int workers = GetParam();
  for (int round = 1; round <= 20; ++round) {
    Watchdog watchdog;
    const auto finished = std::make_shared<Finished>(watchdog);
    const auto handler = [](const Job&, const Context&) -> JobResult { return {}; };
    Workers pool = start_workers(workers, handler, finished);
    const Ids sent = send_numbered(pool, 30);

    const ShutdownReport report = shut_down(watchdog, pool);
    expect_consistent(report);
    expect_none_missing(sent, finished->log.events(), report);

    const auto note = watchdog.waiting("test: for all workers to leave");
    pool.group.wait();
    expect_each_once(sent, finished->log.events(), report);
  }
}

TEST_P(ShutdownRightAfterSending, AccountsForEveryStuckJob) {
  const int workers = GetParam();
  for (int round = 1; round <= 20; ++round) {
    Watchdog watchdog;
    const auto gate = std::make_shared<Gate>(watchdog, "the stuck jobs may end");
    const auto finished = std::make_shared<Finished>(watchdog);
    const auto handler = [gate](const Job&, const Context&) -> JobResult {
      gate->wait();
      return {};
    };
    Workers pool = start_workers(workers, handler, finished);
    const Ids sent = send_numbered(pool, 30);

    const ShutdownReport report = shut_down(watchdog, pool);
    expect_consistent(report);
    expect_none_missing(sent, finished->log.events(), report);

    const auto note = watchdog.waiting("test: for the abandoned workers to leave");
    gate->open();
    pool.group.wait();
    expect_each_once(sent, finished->log.events(), report);
  }
}

INSTANTIATE_TEST_SUITE_P(WithWorkers, ShutdownRightAfterSending, ::testing::Values(1, 2, 4),
                         ::testing::PrintToStringParamName());

// Other threads may go on sending; they get kClosed once the shutdown has begun.
TEST(ShutdownWhileSending, AccountsForEveryJobThatWasAccepted) {
  for (int round = 1; round <= 20; ++round) {
    Watchdog watchdog;
    EventLog accepted(watchdog);
    const auto finished = std::make_shared<Finished>(watchdog);
    const auto handler = [](const Job&, const Context&) -> JobResult { return {}; };
    Workers pool = start_workers(2, handler, finished, 4);
    std::vector<std::jthread> producers;
    for (const std::string name : {"x", "y", "z"}) {
      producers.push_back(watchdog.thread("producer: for room in the queue", [&, name] {
        for (int i = 1; i <= 500; ++i) {
          const std::string id = name + std::to_string(i);
          if (pool.jobs.send(Job{.id = id}) != SendStatus::kSent) return;
          accepted.add(id);
        }
      }));
    }
    watchdog.await("some jobs to be accepted", [&] { return pool.jobs.stats().sent >= 10; });

    const ShutdownReport report = shut_down(watchdog, pool, kForever);
    producers.clear();
    expect_consistent(report);
    expect_each_once(accepted.events(), finished->log.events(), report);
  }
}

}  // namespace
}  // namespace worker_pool
