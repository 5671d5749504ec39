// Cancel: jobs that never started are handed back, and running jobs are asked to stop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <expected>
#include <iostream>
#include <memory>
#include <stop_token>
#include <string>
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
#include "testing/no_threads.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using std::chrono::milliseconds;

constexpr ShutdownLimits kCancelAtOnce = {.drain = Clock::duration::zero(), .cancel = kForever};

// Logs when each job starts and how it finishes.
class Reports : public Observer {
 public:
  explicit Reports(EventLog& log) : log_(log) {}
  void job_started(int, const Job& job) override { log_.add(job.id + " started"); }
  void job_finished(int, const Job& job, const JobResult& result) override {
    log_.add(job.id + " " + (result ? "succeeded" : result.error().message));
  }

 private:
  EventLog& log_;
};

// A handler that obeys the cancel.
JobResult sleep_until_cancelled(const Job&, const Context& ctx) {
  if (ctx.sleep_for(kForever)) return {};
  return std::unexpected(ended(ctx.err().value_or(CancelReason::kDeadlineExceeded)));
}

void send(Workers& pool, std::string id) {
  EXPECT_EQ(pool.jobs.send(Job{.id = id}), SendStatus::kSent) << "job " << id;
}

// shutdown() under a note for the watchdog.
ShutdownReport shut_down(const Watchdog& watchdog, Workers& pool, ShutdownLimits limits = {},
                         std::stop_token cancel_now = {}) {
  const auto note = watchdog.waiting("test: for shutdown() to return");
  return shutdown(pool, limits, std::move(cancel_now));
}

TEST(ShutdownCancel, JobsThatNeverStartedAreHandedBackInOrder) {
  Watchdog watchdog;
  EventLog log(watchdog);
  Workers pool = start_workers(1, sleep_until_cancelled, std::make_shared<Reports>(log));
  std::vector<std::string> sent;
  send(pool, "running");
  log.await("running started");
  for (int i = 1; i <= 20; ++i) {
    sent.push_back(std::to_string(i));
    send(pool, sent.back());
  }

  const ShutdownReport report = shut_down(watchdog, pool, kCancelAtOnce);
  EXPECT_EQ(to_string(report.outcome), "cancelled");
  std::vector<std::string> back;
  for (const Job& job : report.not_started) back.push_back(job.id);
  EXPECT_EQ(back, sent);
  EXPECT_THAT(report.still_running, IsEmpty());
  EXPECT_THAT(log.events(), ElementsAre("running started", "running shut down"))
      << "a job that was handed back was also started or reported";
}

TEST(ShutdownCancel, AJobIsHandedBackWithEverythingItCarries) {
  Watchdog watchdog;
  EventLog log(watchdog);
  Workers pool = start_workers(1, sleep_until_cancelled, std::make_shared<Reports>(log));
  send(pool, "running");
  log.await("running started");

  std::stop_source user;
  const std::vector<std::byte> payload(1'000, std::byte{42});
  const Clock::time_point deadline = Clock::now() + std::chrono::hours(1);
  EXPECT_EQ(pool.jobs.send(Job{
                .id = "queued", .payload = payload, .ctx = Context(user.get_token(), deadline)}),
            SendStatus::kSent);

  const ShutdownReport report = shut_down(watchdog, pool, kCancelAtOnce);
  ASSERT_EQ(report.not_started.size(), 1u);
  const Job& job = report.not_started.front();
  EXPECT_EQ(job.id, "queued");
  EXPECT_EQ(job.payload, payload);
  EXPECT_EQ(job.ctx.deadline(), deadline);
  EXPECT_FALSE(job.ctx.err()) << "only the pool was canceled, so the job may run elsewhere";
  user.request_stop();
  EXPECT_TRUE(job.ctx.err()) << "the job has lost its own stop token";
}

// "caller" was canceled by its caller before the shutdown cancels all jobs, and both jobs check
// their contexts only after that.
TEST(ShutdownCancel, AJobLearnsWhetherItsCallerOrTheShutdownStoppedIt) {
  Watchdog watchdog;
  EventLog log(watchdog);
  const JobHandler checks_late = [&](const Job& job, const Context& ctx) {
    (void)ctx.sleep_for(kForever);
    log.await("canceled by the shutdown");
    return sleep_until_cancelled(job, ctx);
  };
  Workers pool = start_workers(2, checks_late, std::make_shared<Reports>(log));
  std::stop_source caller;
  std::stop_source other;
  for (const auto& [id, stop] : {std::pair("caller", caller), std::pair("other", other)}) {
    EXPECT_EQ(pool.jobs.send(Job{.id = id, .ctx = Context(stop.get_token())}), SendStatus::kSent);
    log.await(std::string(id) + " started");
  }
  caller.request_stop();
  {
    const auto main =
        watchdog.thread("main: shutdown", [&] { (void)shut_down(watchdog, pool, kCancelAtOnce); });
    watchdog.await("the stop request", [&] { return pool.stop.stop_requested(); });
    log.add("canceled by the shutdown");
  }
  EXPECT_EQ(log.count("caller cancelled"), 1u);
  EXPECT_EQ(log.count("other shut down"), 1u);
}

// The system has no thread for the cancel, so shutdown() runs the stop callbacks itself. That makes
// the order certain: this callback checks that the queue is already empty.
TEST(ShutdownCancelDeathTest, WithoutAThreadForItTheCallerCancelsAfterTakingBack) {
  if (!kThreadsCanBeRefused) GTEST_SKIP() << kWhyNot;
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto shut_down_without_threads = [] {
    Watchdog watchdog;
    EventLog log(watchdog);
    Workers pool = start_workers(1, sleep_until_cancelled, std::make_shared<Reports>(log));
    send(pool, "running");
    log.await("running started");
    send(pool, "queued");
    const std::stop_callback on_cancel(pool.stop.get_token(), [&] {
      log.add(std::to_string(pool.jobs.stats().queued) + " queued at the cancel");
    });
    refuse_threads();
    const ShutdownReport report = shut_down(watchdog, pool, kCancelAtOnce);
    std::cerr << to_string(report.outcome) << ", " << report.not_started.size() << " handed back";
    for (const std::string& event : log.events()) std::cerr << ", " << event;
    std::_Exit(0);
  };
  EXPECT_EXIT(
      shut_down_without_threads(), ::testing::ExitedWithCode(0),
      "cancelled, 1 handed back, running started, 0 queued at the cancel, running shut down");
}

// In the other order, a worker whose job was canceled could receive one more.
TEST(ShutdownCancel, QueuedJobsAreTakenBackBeforeRunningOnesAreCancelled) {
  Watchdog watchdog;
  EventLog log(watchdog);
  Workers pool = start_workers(1, sleep_until_cancelled, std::make_shared<Reports>(log));
  send(pool, "running");
  log.await("running started");
  send(pool, "queued");
  std::size_t queued_at_cancel = 1;
  const std::stop_callback on_cancel(pool.stop.get_token(),
                                     [&] { queued_at_cancel = pool.jobs.stats().queued; });
  EXPECT_EQ(to_string(shut_down(watchdog, pool, kCancelAtOnce).outcome), "cancelled");
  EXPECT_EQ(queued_at_cancel, 0u);
}

TEST(ShutdownCancel, EveryRunningJobSeesTheCancelAndIsReportedOnce) {
  Watchdog watchdog;
  EventLog log(watchdog);
  Workers pool = start_workers(3, sleep_until_cancelled, std::make_shared<Reports>(log));
  for (const char* id : {"a", "b", "c"}) {
    send(pool, id);
    log.await(std::string(id) + " started");
  }

  const ShutdownReport report = shut_down(watchdog, pool, kCancelAtOnce);
  EXPECT_EQ(to_string(report.outcome), "cancelled");
  EXPECT_EQ(report.not_started.size(), 0u);
  EXPECT_THAT(report.still_running, IsEmpty());
  EXPECT_THAT(log.events(), UnorderedElementsAre("a started", "b started", "c started",
                                                 "a shut down", "b shut down", "c shut down"));
}

TEST(ShutdownCancel, WaitsForTheDrainLimit) {
  constexpr auto kDrain = milliseconds(30);
  Watchdog watchdog;
  EventLog log(watchdog);
  Clock::time_point cancelled_at;  // written by the job, read after its worker was joined
  const auto handler = [&](const Job& job, const Context& ctx) -> JobResult {
    const JobResult result = sleep_until_cancelled(job, ctx);
    cancelled_at = Clock::now();
    return result;
  };
  Workers pool = start_workers(1, handler, std::make_shared<Reports>(log));
  send(pool, "a");
  log.await("a started");

  const Clock::time_point begin = Clock::now();
  const ShutdownReport report = shut_down(watchdog, pool, {.drain = kDrain, .cancel = kForever});
  EXPECT_EQ(to_string(report.outcome), "cancelled");
  EXPECT_GE(cancelled_at - begin, kDrain) << "the job was canceled too early";
}

// --- cancel_now ends the drain -----------------------------------------------------------------

constexpr ShutdownLimits kNoLimit = {.drain = kForever, .cancel = kForever};

TEST(ShutdownCancelNow, AStopRequestEndsTheDrain) {
  Watchdog watchdog;
  EventLog log(watchdog);
  Workers pool = start_workers(1, sleep_until_cancelled, std::make_shared<Reports>(log));
  send(pool, "running");
  log.await("running started");
  send(pool, "queued");

  std::stop_source user;
  const WaitGroup group = pool.group;
  ShutdownReport report;
  {
    const auto caller = watchdog.thread(
        "main: shutdown()", [&] { report = shutdown(pool, kNoLimit, user.get_token()); });
    watchdog.await("the drain to begin", [&] { return group.stats().waiting == 1; });
    EXPECT_EQ(log.count("running shut down"), 0u) << "canceled before the stop request";
    user.request_stop();
  }
  EXPECT_EQ(to_string(report.outcome), "cancelled");
  ASSERT_EQ(report.not_started.size(), 1u);
  EXPECT_EQ(report.not_started.front().id, "queued");
  EXPECT_THAT(log.events(), ElementsAre("running started", "running shut down"));
}

TEST(ShutdownCancelNow, AnEarlierStopRequestSkipsTheDrain) {
  Watchdog watchdog;
  EventLog log(watchdog);
  Workers pool = start_workers(1, sleep_until_cancelled, std::make_shared<Reports>(log));
  send(pool, "running");
  log.await("running started");
  std::stop_source user;
  user.request_stop();
  const ShutdownReport report = shut_down(watchdog, pool, kNoLimit, user.get_token());
  EXPECT_EQ(to_string(report.outcome), "cancelled");
}

TEST(ShutdownCancelNow, TheCancelLimitStillHolds) {
  Watchdog watchdog;
  Gate gate(watchdog, "the stubborn job may end");
  const auto stubborn = [&gate](const Job&, const Context&) -> JobResult {
    gate.wait();
    return {};
  };
  Workers pool = start_workers(1, stubborn, nullptr);
  const WaitGroup group = pool.group;
  send(pool, "stubborn");
  gate.await_arrivals(1);
  std::stop_source user;
  user.request_stop();
  constexpr milliseconds kCancel(20);
  const Clock::time_point start = Clock::now();
  const ShutdownReport report =
      shut_down(watchdog, pool, {.drain = kForever, .cancel = kCancel}, user.get_token());
  EXPECT_GE(Clock::now() - start, kCancel)
      << "the stop request also ended the wait after the cancel";
  EXPECT_EQ(to_string(report.outcome), "abandoned");
  gate.open();
  const auto note = watchdog.waiting("test: for the worker to leave");
  group.wait();
}

// --- The wait after the cancel -----------------------------------------------------------------

// A canceled job may use the whole limit to clean up.
TEST(ShutdownCancel, WaitsForACancelledJobAsLongAsItMay) {
  Watchdog watchdog;
  Gate gate(watchdog, "the cancelled job may end");
  EventLog log(watchdog);
  const auto handler = [&](const Job& job, const Context& ctx) -> JobResult {
    JobResult result = sleep_until_cancelled(job, ctx);
    gate.wait();
    return result;
  };
  Workers pool = start_workers(1, handler, std::make_shared<Reports>(log));
  send(pool, "a");
  log.await("a started");

  const WaitGroup group = pool.group;
  const auto opener = watchdog.thread("opener: for the shutdown to wait", [&] {
    gate.await_arrivals(1);
    watchdog.await("shutdown() to wait", [&] { return group.stats().waiting == 1; });
    gate.open();
  });
  const ShutdownReport report = shut_down(watchdog, pool, kCancelAtOnce);
  EXPECT_EQ(to_string(report.outcome), "cancelled");
  EXPECT_THAT(log.events(), ElementsAre("a started", "a shut down"));
}

}  // namespace
}  // namespace worker_pool
