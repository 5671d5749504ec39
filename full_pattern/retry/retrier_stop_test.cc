// How a Retrier stops, and in which order its parts may be destroyed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <expected>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "full_pattern/retry/retrier.h"
#include "full_pattern/retry/retry_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "step4_shutdown/shutdown.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// --- Stop ----------------------------------------------------------------------------------------

TEST(Retrier, StopReturnsTheWaitingJobsWithTheirErrors) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  Service service(watchdog, kInAnHour, {.workers = 1}, always_fails(tries));
  for (const std::string id : {"b", "a"}) {
    service.submit({.id = id, .payload = std::vector<std::byte>(3)});
  }
  (void)service.pool.shutdown(kPatient);

  const std::vector<WaitingJob> waiting = service.retrier.stop();
  ASSERT_THAT(ids_of(waiting), ElementsAre("b", "a"));
  for (const WaitingJob& job : waiting) {
    EXPECT_EQ(job.tries, 1) << job.job.id;
    EXPECT_EQ(job.error.kind, JobError::Kind::kFailed) << job.job.id;
    EXPECT_EQ(job.error.message, "1") << job.job.id;
    EXPECT_EQ(job.job.payload.size(), 3u) << job.job.id;
  }
  EXPECT_THAT(service.ends->log.events(), ElementsAre("start b", "start a"));
  EXPECT_THAT(service.retrier.stop(), IsEmpty()) << "the second time";
}

// The second a counts as a second try and waits twice as long, so b is due earlier.
TEST(Retrier, StopReturnsThemInTheOrderInWhichTheyWereDueAndOneIdSharesItsTries) {
  const Watchdog watchdog;
  WorkerPool pool({}, succeed);
  const auto retries = std::make_shared<RetryQueue>(
      RetryPolicy{.tries = 3, .backoff = 1h, .longest = 2h, .jitter = 0}, nullptr);
  Retrier retrier(retries, pool);
  for (const std::string id : {"a", "a", "b"}) {
    retries->job_finished(1, Job{.id = id}, failed("no"));
  }
  const std::vector<WaitingJob> waiting = retrier.stop();
  ASSERT_THAT(ids_of(waiting), ElementsAre("a", "b", "a"));
  EXPECT_EQ(waiting[0].tries, 1);
  EXPECT_EQ(waiting[1].tries, 1);
  EXPECT_EQ(waiting[2].tries, 2);
}

// Without jitter a would be due first.
TEST(Retrier, JitterSpreadsJobsThatFailAtTheSameTime) {
  const Watchdog watchdog;
  WorkerPool pool({}, succeed);
  std::vector<double> numbers = {0.1, 0.5, 0.9};  // used from the back
  const auto next_number = [&numbers] {
    const double number = numbers.back();
    numbers.pop_back();
    return number;
  };
  const auto retries =
      std::make_shared<RetryQueue>(RetryPolicy{.backoff = 1h, .longest = 1h}, nullptr, next_number);
  Retrier retrier(retries, pool);
  for (const std::string id : {"a", "b", "c"}) {
    retries->job_finished(1, Job{.id = id}, failed("no"));
  }
  EXPECT_THAT(ids_of(retrier.stop()), ElementsAre("c", "b", "a"));
}

TEST(Retrier, FailureAfterStopIsFinal) {
  const Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "a may fail");
  Service service(watchdog, kSoon, {.workers = 1}, [gate](const Job&, const Context&) {
    gate->wait();
    return failed("no");
  });
  service.submit({.id = "a"});
  gate->await_arrivals(1);
  EXPECT_THAT(service.retrier.stop(), IsEmpty()) << "a still runs";
  gate->open();
  service.ends->log.await("a: no");
  EXPECT_EQ(service.ends->log.count("start a"), 1u);
  EXPECT_THAT(service.retrier.stop(), IsEmpty());
}

TEST(Retrier, StopReturnsAtOnceWhateverTheJobsDo) {
  const Watchdog watchdog;
  FullPool full(watchdog, 2);  // its gate is closed: no job finishes and no room appears
  const auto note = watchdog.waiting("test: for stop() and the destructor of the Retrier");
  EXPECT_EQ(full.retrier->stop().size(), 1u);
  full.retrier.reset();
  full.gate->open();
}

TEST(Retrier, WithoutStopItsDestructorDropsWhatWaits) {
  const Watchdog watchdog;
  FullPool full(watchdog, 2);
  full.retrier.reset();
  full.gate->open();
  (void)full.pool.shutdown(kPatient);
  EXPECT_EQ(full.tries->of("a"), 1);
  EXPECT_EQ(full.ends->log.count("start a"), 1u);
}

TEST(Retrier, ShutdownBeforeStopLeavesTheFailedJobsToIt) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  const auto gate = std::make_shared<Gate>(watchdog, "jobs may fail");
  Service service(watchdog, kSoon, {.workers = 1},
                  [tries, gate](const Job& job, const Context&) -> JobResult {
                    (void)tries->next(job.id);
                    gate->wait();
                    return failed("no");
                  });
  service.submit({.id = "a"});
  service.submit({.id = "b"});
  gate->await_arrivals(1);
  {
    const auto shutting_down =
        watchdog.thread("main: shutdown", [&] { (void)service.pool.shutdown(kPatient); });
    watchdog.await("the shutdown to close the pool", [&] {
      return service.pool.try_submit(Job{.id = "probe"}) == SendStatus::kClosed;
    });
    gate->open();
  }
  // Probes that were accepted before the close count as jobs.
  const std::vector<std::string> waiting = ids_of(service.retrier.stop());
  EXPECT_THAT(waiting, Contains("a"));
  EXPECT_THAT(waiting, Contains("b"));
  EXPECT_EQ(tries->of("a"), 1) << "a closed pool accepts no other try";
}

TEST(Retrier, ClosedPoolLeavesTheJobsToStop) {
  const Watchdog watchdog;
  const auto retries = std::make_shared<RetryQueue>(kSoon, nullptr);
  WorkerPool pool({.workers = 1}, succeed, retries);
  (void)pool.shutdown(kPatient);
  Retrier retrier(retries, pool);
  for (const std::string id : {"a", "b"}) retries->job_finished(1, Job{.id = id}, failed("no"));
  watchdog.await("the Retrier to be refused", [&] { return pool.metrics().rejected > 0; });
  EXPECT_THAT(ids_of(retrier.stop()), UnorderedElementsAre("a", "b"));
}

// Jobs fail while stop() runs. Each of them must appear exactly once.
TEST(Retrier, StopRacingWithFailingJobsLosesNoneAndDoublesNone) {
  constexpr int kRounds = 50;
  constexpr int kJobs = 200;
  const auto id_of = [](int i) { return std::to_string(i); };
  for (int round = 0; round < kRounds; ++round) {
    const Watchdog watchdog;
    const auto tries = std::make_shared<Tries>();
    const RetryPolicy often = {.tries = 1'000'000, .backoff = 1ms, .longest = 1ms};
    Service service(watchdog, often, {.workers = 3, .capacity = 10}, always_fails(tries));
    std::vector<WaitingJob> waiting;
    {
      const auto producer = watchdog.thread("producer: submit", [&] {
        for (int i = 0; i < kJobs; ++i) service.submit({.id = id_of(i)});
      });
      watchdog.await("some jobs to fail", [&] { return tries->of(id_of(kJobs / 2)) > 0; });
      waiting = service.retrier.stop();
    }
    (void)service.pool.shutdown(kPatient);

    std::map<std::string, std::size_t> found;
    for (const std::string& id : ids_of(waiting)) ++found[id];
    const auto is_end = [](const std::string& event) { return !event.starts_with("start"); };
    for (const std::string& event : service.ends->log.events()) {
      if (is_end(event)) ++found[event.substr(0, event.find(':'))];
    }
    for (int i = 0; i < kJobs; ++i) {
      EXPECT_EQ(found[id_of(i)], 1u)
          << "how often job " << i << " was returned or reported to the observer, round " << round;
    }
  }
}

TEST(Retrier, ConcurrentStopsReturnEachJobOnce) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  Service service(watchdog, kInAnHour, {.workers = 1}, always_fails(tries));
  for (int i = 0; i < 50; ++i) service.submit({.id = std::to_string(i)});
  (void)service.pool.shutdown(kPatient);
  std::atomic<std::size_t> returned = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 4; ++i) {
      callers.push_back(
          watchdog.thread("caller: stop", [&] { returned += service.retrier.stop().size(); }));
    }
  }
  EXPECT_EQ(returned, 50u);
}

// --- Jobs that the pool's shutdown stops ---------------------------------------------------------

constexpr ShutdownLimits kCancelNow = {.drain = 0ms, .cancel = kForever};

// Fails at its first try. At the second one, runs until its context ends.
JobHandler fails_then_runs(const std::shared_ptr<Tries>& tries) {
  return [tries](const Job& job, const Context& ctx) -> JobResult {
    if (tries->next(job.id) == 1) return failed("no");
    (void)ctx.sleep_for(kForever);
    return std::unexpected(ended(*ctx.err()));
  };
}

TEST(Retrier, StopReturnsAJobThatTheShutdownStopped) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  RetryPolicy last_try = kSoon;
  last_try.tries = 2;
  Service service(watchdog, last_try, {.workers = 1}, fails_then_runs(tries));
  service.submit({.id = "a", .payload = std::vector<std::byte>(3)});
  watchdog.await("the second try", [&] { return tries->of("a") == 2; });
  (void)service.pool.shutdown(kCancelNow);

  const std::vector<WaitingJob> waiting = service.retrier.stop();
  ASSERT_THAT(ids_of(waiting), ElementsAre("a"));
  EXPECT_EQ(waiting[0].error.kind, JobError::Kind::kShutDown);
  EXPECT_EQ(waiting[0].tries, 1) << "the second try did not fail";
  EXPECT_EQ(waiting[0].job.payload.size(), 3u);
  EXPECT_THAT(service.ends->log.events(), ElementsAre("start a", "start a")) << "it has not ended";
}

TEST(Retrier, JobThatTheShutdownStopsAfterStopIsReported) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  Service service(watchdog, kSoon, {.workers = 1}, fails_then_runs(tries));
  service.submit({.id = "a"});
  watchdog.await("the second try", [&] { return tries->of("a") == 2; });
  EXPECT_THAT(service.retrier.stop(), IsEmpty()) << "a is running";
  (void)service.pool.shutdown(kCancelNow);
  EXPECT_EQ(service.ends->log.count("a: shut down"), 1u);
  EXPECT_THAT(service.retrier.stop(), IsEmpty());
}

TEST(Retrier, JobThatTheShutdownStoppedIsReportedIfItsCallerHasCanceledIt) {
  const Watchdog watchdog;
  const auto ends = std::make_shared<Ends>(watchdog);
  std::stop_source caller;
  caller.request_stop();
  const auto retries = std::make_shared<RetryQueue>(kSoon, ends);
  WorkerPool pool({}, succeed);
  Retrier retrier(retries, pool);
  retries->job_finished(1, Job{.id = "a", .ctx = Context(caller.get_token())},
                        std::unexpected(ended(CancelReason::kShutDown)));
  EXPECT_EQ(ends->log.count("a: shut down"), 1u);
  EXPECT_THAT(retrier.stop(), IsEmpty());
}

TEST(Retrier, JobThatTheShutdownStoppedIsReportedIfTooManyWaitAlready) {
  const Watchdog watchdog;
  const auto ends = std::make_shared<Ends>(watchdog);
  RetryPolicy one = kInAnHour;
  one.capacity = 1;
  const auto retries = std::make_shared<RetryQueue>(one, ends);
  WorkerPool pool({}, succeed);
  const Retrier retrier(retries, pool);
  retries->job_finished(1, Job{.id = "a"}, failed("no"));
  retries->job_finished(1, Job{.id = "b"}, std::unexpected(ended(CancelReason::kShutDown)));
  EXPECT_THAT(ends->log.events(), ElementsAre("b: shut down"));
}

// Nor does it stop the others from being submitted. Were it due, it would be the first.
TEST(Retrier, JobThatTheShutdownStoppedIsNotSubmittedAgain) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  Service service(watchdog, kSoon, {.workers = 1}, succeeds_at_try(1, tries));
  service.retries->job_finished(1, Job{.id = "a", .ctx = Context().with_timeout(1h)},
                                std::unexpected(ended(CancelReason::kShutDown)));
  service.retries->job_finished(1, Job{.id = "b"}, failed("no"));
  service.ends->log.await("b: ok");
  EXPECT_EQ(tries->of("a"), 0);
  EXPECT_THAT(ids_of(service.retrier.stop()), ElementsAre("a"));
}

// --- Lifetimes -----------------------------------------------------------------------------------

TEST(Retrier, AbandonedWorkerMayReportLate) {
  const Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the abandoned job may fail");
  const auto ends = std::make_shared<Ends>(watchdog);
  {
    auto retries = std::make_shared<RetryQueue>(kSoon, ends);
    WorkerPool pool(
        {.workers = 1},
        [gate](const Job&, const Context&) {
          gate->wait();
          return failed("no");
        },
        retries);
    Retrier retrier(std::move(retries), pool);
    ASSERT_EQ(pool.submit({.id = "a"}), SendStatus::kSent);
    gate->await_arrivals(1);
    EXPECT_THAT(retrier.stop(), IsEmpty());
    EXPECT_EQ(pool.shutdown({.drain = 0ms, .cancel = 0ms}).outcome, ShutdownOutcome::kAbandoned);
  }
  gate->open();
  ends->log.await("a: no");
  watchdog.await("the abandoned worker to release its observer and its handler",
                 [&] { return ends.use_count() == 1 && gate.use_count() == 1; });
}

TEST(Retrier, NextMayStopTheRetrier) {
  struct StopsIt : Observer {
    void job_finished(int, const Job&, const JobResult&) override {
      retrier->stop().swap(waiting);
      stopped = true;
    }
    Retrier* retrier = nullptr;
    std::vector<WaitingJob> waiting;
    std::atomic<bool> stopped = false;
  };
  const Watchdog watchdog;
  const auto next = std::make_shared<StopsIt>();
  const auto retries = std::make_shared<RetryQueue>(kInAnHour, next);
  WorkerPool pool(
      {.workers = 1},
      [](const Job& job, const Context&) { return job.id == "a" ? failed("no") : JobResult(); },
      retries);
  Retrier retrier(retries, pool);
  next->retrier = &retrier;
  ASSERT_EQ(pool.submit({.id = "a"}), SendStatus::kSent);
  ASSERT_EQ(pool.submit({.id = "b"}), SendStatus::kSent);
  watchdog.await("the observer to return from stop()", [&] { return next->stopped.load(); });
  EXPECT_THAT(ids_of(next->waiting), ElementsAre("a"));
}

TEST(Retrier, NextMayBeNull) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  const auto retries = std::make_shared<RetryQueue>(kSoon, nullptr);
  WorkerPool pool({.workers = 1}, succeeds_at_try(2, tries), retries);
  Retrier retrier(retries, pool);
  ASSERT_EQ(pool.submit({.id = "a"}), SendStatus::kSent);
  watchdog.await("the second try", [&] { return tries->of("a") == 2; });
}

}  // namespace
}  // namespace worker_pool
