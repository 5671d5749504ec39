// Every job that was accepted is accounted for: its end was reported to the observer, or it came
// back, or it is named as still running. Whenever the shutdown comes, none is missing and none is
// there twice.
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

// shutdown() without a drain, with a note for the watchdog.
ShutdownReport shut_down(const Watchdog& watchdog, Workers& pool,
                         Clock::duration cancel = Clock::duration::zero()) {
  const auto note = watchdog.waiting("test: for shutdown() to return");
  return shutdown(pool, {.drain = Clock::duration::zero(), .cancel = cancel});
}

// Logs the id of each job that ended. Shared with workers that may be abandoned.
struct Ends : Observer {
  EventLog log;
  explicit Ends(const Watchdog& watchdog) : log(watchdog) {}
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

Ids came_back(const ShutdownReport& report) {
  Ids back;
  for (const Job& job : report.not_started) back.push_back(job.id);
  return back;
}

Ids operator+(Ids all, const Ids& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// The ids of `some` that have no partner in `others`.
Ids without(Ids some, Ids others) {
  std::ranges::sort(some);
  std::ranges::sort(others);
  Ids left;
  std::ranges::set_difference(some, others, std::back_inserter(left));
  return left;
}

// Where each job is when shutdown() has returned. A job that is named may be reported as well: it
// may end as soon as the report is written.
void expect_none_missing(const Ids& sent, const Ids& reported, const ShutdownReport& report) {
  const Ids missing = without(sent, reported + report.still_running + came_back(report));
  // Each "?" stands for one job whose worker was too slow to name it.
  const auto unnamed = static_cast<std::size_t>(std::ranges::count(report.still_running, "?"));
  EXPECT_THAT(missing, SizeIs(Le(unnamed))) << "neither reported, nor named, nor come back";
}

// Where each job is when all workers have left: each was reported once, or came back.
void expect_each_once(const Ids& sent, const Ids& reported, const ShutdownReport& report) {
  EXPECT_THAT(without(sent, reported + came_back(report)), IsEmpty())
      << "neither reported nor come back";
  EXPECT_THAT(without(reported + came_back(report), sent), IsEmpty())
      << "reported and come back, or reported twice";
}

// What the outcome says about the two lists.
void expect_consistent(const ShutdownReport& report) {
  if (report.outcome == ShutdownOutcome::kDrained) {
    EXPECT_THAT(came_back(report), IsEmpty()) << "drained, but not everything was done";
  }
  if (report.outcome != ShutdownOutcome::kAbandoned) {
    EXPECT_THAT(report.still_running, IsEmpty()) << "nobody was abandoned";
  }
}

class ShutdownRightAfterSending : public ::testing::TestWithParam<int> {};

TEST_P(ShutdownRightAfterSending, AccountsForEveryQuickJob) {
  const int workers = GetParam();
  for (int round = 1; round <= 20; ++round) {
    Watchdog watchdog;
    const auto ends = std::make_shared<Ends>(watchdog);
    const auto handler = [](const Job&, const Context&) -> JobResult { return {}; };
    Workers pool = start_workers(workers, handler, ends);
    const Ids sent = send_numbered(pool, 30);

    const ShutdownReport report = shut_down(watchdog, pool);
    expect_consistent(report);
    expect_none_missing(sent, ends->log.events(), report);

    const auto note = watchdog.waiting("test: for all workers to leave");
    pool.group.wait();
    expect_each_once(sent, ends->log.events(), report);
  }
}

TEST_P(ShutdownRightAfterSending, AccountsForEveryStuckJob) {
  const int workers = GetParam();
  for (int round = 1; round <= 20; ++round) {
    Watchdog watchdog;
    const auto gate = std::make_shared<Gate>(watchdog, "the stuck jobs may end");
    const auto ends = std::make_shared<Ends>(watchdog);
    const auto handler = [gate](const Job&, const Context&) -> JobResult {
      gate->wait();
      return {};
    };
    Workers pool = start_workers(workers, handler, ends);
    const Ids sent = send_numbered(pool, 30);

    const ShutdownReport report = shut_down(watchdog, pool);
    expect_consistent(report);
    expect_none_missing(sent, ends->log.events(), report);

    const auto note = watchdog.waiting("test: for the abandoned workers to leave");
    gate->open();
    pool.group.wait();
    expect_each_once(sent, ends->log.events(), report);
  }
}

INSTANTIATE_TEST_SUITE_P(WithWorkers, ShutdownRightAfterSending, ::testing::Values(1, 2, 4),
                         ::testing::PrintToStringParamName());

// Other threads may go on sending until they are told that it is over.
TEST(ShutdownWhileSending, AccountsForEveryJobThatWasAccepted) {
  for (int round = 1; round <= 20; ++round) {
    Watchdog watchdog;
    EventLog accepted(watchdog);
    const auto ends = std::make_shared<Ends>(watchdog);
    const auto handler = [](const Job&, const Context&) -> JobResult { return {}; };
    Workers pool = start_workers(2, handler, ends, 4);
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
    expect_each_once(accepted.events(), ends->log.events(), report);
  }
}

}  // namespace
}  // namespace worker_pool
