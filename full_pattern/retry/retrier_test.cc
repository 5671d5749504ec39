#include "full_pattern/retry/retrier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ShutdownLimits kPatient = {.drain = kForever};
constexpr RetryPolicy kSoon = {.tries = 3, .backoff = 1ms, .longest = 1ms};
constexpr RetryPolicy kInAnHour = {.tries = 3, .backoff = 1h, .longest = 1h};

JobResult failed(std::string message) {
  return std::unexpected(JobError{JobError::Kind::kFailed, std::move(message)});
}

// The observer behind the queue: "start a", and the end of each job, "a: ok" or "a: why not".
class Ends : public Observer {
 public:
  explicit Ends(const Watchdog& watchdog) : log(watchdog) {}
  void job_started(int, const Job& job) override { log.add("start " + job.id); }
  void job_finished(int, const Job& job, const JobResult& result) override {
    log.add(job.id + ": " + (result ? "ok" : result.error().message));
  }
  EventLog log;
};

// How often each job has been tried, this try included. Shared by the handler's copies.
class Tries {
 public:
  int next(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return ++by_id_[id];
  }
  int of(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_id_.find(id);
    return found != by_id_.end() ? found->second : 0;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int> by_id_;
};

// Fails, with "1" the first time and so on, until its try number `good`.
JobHandler succeeds_at_try(int good, const std::shared_ptr<Tries>& tries) {
  return [good, tries](const Job& job, const Context&) -> JobResult {
    const int which = tries->next(job.id);
    return which == good ? JobResult() : failed(std::to_string(which));
  };
}
JobHandler always_fails(const std::shared_ptr<Tries>& tries) { return succeeds_at_try(-1, tries); }

// A pool with retries, as a service would declare it.
struct Service {
  Service(const Watchdog& watchdog, RetryPolicy policy, WorkerPool::Options options,
          JobHandler handler)
      : watch(watchdog),
        ends(std::make_shared<Ends>(watchdog)),
        retries(std::make_shared<RetryQueue>(policy, ends)),
        pool(options, std::move(handler), retries),
        retrier(retries, pool) {}
  ~Service() { leaving.emplace(watch.notes(), "test: for the Retrier and the pool to leave"); }

  void submit(Job job) { ASSERT_EQ(pool.submit(std::move(job)), SendStatus::kSent); }

  const Watchdog& watch;
  std::optional<Watchdog::Waiting> leaving;  // until everything below is gone
  std::shared_ptr<Ends> ends;
  std::shared_ptr<RetryQueue> retries;
  WorkerPool pool;
  Retrier retrier;
};

std::vector<std::string> ids_of(const std::vector<WaitingJob>& jobs) {
  std::vector<std::string> ids;
  for (const WaitingJob& waiting : jobs) ids.push_back(waiting.job.id);
  return ids;
}

// --- The policy --------------------------------------------------------------------------------

TEST(RetryBackoff, DoublesUpToTheLongest) {
  const RetryPolicy policy = {.backoff = 100ms, .longest = 1s};
  EXPECT_EQ(backoff_before(policy, 1), 0ms) << "the first try waits for nothing";
  EXPECT_EQ(backoff_before(policy, 2), 100ms);
  EXPECT_EQ(backoff_before(policy, 3), 200ms);
  EXPECT_EQ(backoff_before(policy, 4), 400ms);
  EXPECT_EQ(backoff_before(policy, 5), 800ms);
  EXPECT_EQ(backoff_before(policy, 6), 1s);
  EXPECT_EQ(backoff_before(policy, 7), 1s);
}

TEST(RetryBackoff, NeverOverflows) {
  constexpr int kMany = 2'000'000'000;
  EXPECT_EQ(backoff_before({.backoff = 1ms, .longest = kForever}, kMany), kForever);
  EXPECT_EQ(backoff_before({.backoff = kForever, .longest = kForever}, kMany), kForever);
  EXPECT_EQ(backoff_before({.backoff = kForever - 1ns, .longest = kForever}, 3), kForever);
  EXPECT_EQ(backoff_before({}, -1), 0ms);
}

TEST(RetryPolicy, DefaultsAreWhatTheHeaderSays) {
  const RetryPolicy policy;
  EXPECT_EQ(policy.tries, 3);
  EXPECT_EQ(policy.backoff, 100ms);
  EXPECT_EQ(policy.longest, 10s);
  EXPECT_EQ(policy.capacity, 1000u);
}

TEST(RetryPolicy, BadOnesAreRefusedWithWhatIsWrongAndWhatIsAllowed) {
  const auto why_not = [](RetryPolicy policy) -> std::string {
    try {
      const RetryQueue queue(policy, nullptr);
      return "nothing is wrong";
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
  };
  EXPECT_EQ(why_not({.tries = 0}), "RetryPolicy: tries is 0, it must be at least 1");
  EXPECT_EQ(why_not({.tries = -1}), "RetryPolicy: tries is -1, it must be at least 1");
  EXPECT_EQ(why_not({.backoff = 1ms - 1ns}),
            "RetryPolicy: backoff is 999999 ns, it must be at least 1 ms");
  EXPECT_EQ(why_not({.backoff = 1s, .longest = 1s - 1ns}),
            "RetryPolicy: longest is less than backoff, it must not be");
  EXPECT_EQ(why_not({.capacity = 0}), "RetryPolicy: capacity is 0, it must be at least 1");
  EXPECT_EQ(why_not({.tries = 1, .backoff = 1ms, .longest = 1ms, .capacity = 1}),
            "nothing is wrong");
}

TEST(Retrier, WithoutAQueueItIsRefused) {
  WorkerPool pool({}, [](const Job&, const Context&) { return JobResult(); });
  EXPECT_THROW(Retrier(nullptr, pool), std::invalid_argument);
}

// --- Tries -------------------------------------------------------------------------------------

TEST(Retrier, JobThatSucceedsAtItsThirdTryHasSucceeded) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  Service service(watchdog, kSoon, {.workers = 1}, succeeds_at_try(3, tries));
  service.submit({.id = "a"});
  service.ends->log.await("a: ok");
  EXPECT_THAT(service.ends->log.events(), ElementsAre("start a", "start a", "start a", "a: ok"))
      << "a start for each try, and one end";
  EXPECT_THAT(service.retrier.stop(), IsEmpty());
}

TEST(Retrier, TriesAreLimitedAndTheLastErrorIsTheOneThatCounts) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  Service service(watchdog, kSoon, {.workers = 1}, always_fails(tries));
  service.submit({.id = "a"});
  service.ends->log.await("a: 3");
  EXPECT_THAT(service.retrier.stop(), IsEmpty());
  (void)service.pool.shutdown(kPatient);
  EXPECT_EQ(tries->of("a"), 3);
  EXPECT_THAT(service.ends->log.events(), ElementsAre("start a", "start a", "start a", "a: 3"));
}

TEST(Retrier, OneTryIsNoRetry) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  Service service(watchdog, {.tries = 1}, {.workers = 1}, always_fails(tries));
  service.submit({.id = "a"});
  service.ends->log.await("a: 1");
  EXPECT_EQ(tries->of("a"), 1);
}

TEST(Retrier, JobThatThrowsIsTriedAgain) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  Service service(watchdog, kSoon, {.workers = 1}, [tries](const Job& job, const Context&) {
    if (tries->next(job.id) == 1) throw std::runtime_error("no");
    return JobResult();
  });
  service.submit({.id = "a"});
  service.ends->log.await("a: ok");
  EXPECT_EQ(tries->of("a"), 2);
}

TEST(Retrier, EachJobHasItsOwnTries) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  Service service(watchdog, kSoon, {.workers = 2}, always_fails(tries));
  for (const std::string id : {"a", "b", "c"}) service.submit({.id = id});
  for (const std::string id : {"a", "b", "c"}) {
    service.ends->log.await(id + ": 3");
    EXPECT_EQ(tries->of(id), 3);
  }
}

TEST(Retrier, IdThatIsUsedAgainStartsAnew) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  Service service(watchdog, kSoon, {.workers = 1},
                  [tries](const Job& job, const Context&) -> JobResult {
                    const int which = tries->next(job.id);
                    return which == 3 ? JobResult() : failed(std::to_string(which));
                  });
  service.submit({.id = "a"});
  service.ends->log.await("a: ok");  // the third
  service.submit({.id = "a"});
  service.ends->log.await("a: 6");  // 4, 5, 6: three more, after a success
  service.submit({.id = "a"});
  service.ends->log.await("a: 9");  // and after a failure
}

TEST(Retrier, NextTryHasTheWholeJobAndANewTimeOfSubmission) {
  const Watchdog watchdog;
  std::vector<Job> seen;
  std::vector<Clock::time_point> ended_at;
  Service service(watchdog, kSoon, {.workers = 1}, [&](const Job& job, const Context&) {
    seen.push_back(job);
    ended_at.push_back(Clock::now());
    return seen.size() == 2 ? JobResult() : failed("no");
  });
  const Clock::time_point deadline = Clock::now() + 1h;
  service.submit({.id = "a",
                  .payload = std::vector<std::byte>(3, std::byte{7}),
                  .ctx = Context().with_deadline(deadline)});
  service.ends->log.await("a: ok");
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1].payload, std::vector<std::byte>(3, std::byte{7}));
  EXPECT_EQ(seen[1].ctx.deadline(), deadline);
  EXPECT_GT(seen[1].submitted, ended_at[0]) << "the time of the first try";
}

TEST(Retrier, BackoffIsNeverShorterThanPromised) {
  const Watchdog watchdog;
  const RetryPolicy policy = {.tries = 4, .backoff = 10ms, .longest = 20ms};
  std::vector<Clock::time_point> started;
  std::vector<Clock::time_point> ended_at;
  Service service(watchdog, policy, {.workers = 1}, [&](const Job&, const Context&) {
    started.push_back(Clock::now());
    ended_at.push_back(Clock::now());
    return failed("no");
  });
  service.submit({.id = "a"});
  service.ends->log.await("a: no");
  ASSERT_EQ(started.size(), 4u);
  EXPECT_GE(started[1] - ended_at[0], 10ms);
  EXPECT_GE(started[2] - ended_at[1], 20ms);
  EXPECT_GE(started[3] - ended_at[2], 20ms);
}

// --- No retry ----------------------------------------------------------------------------------

TEST(Retrier, JobThatWasCancelledOrLateIsNotTriedAgain) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  std::stop_source stop;
  Service service(watchdog, kSoon, {.workers = 1}, [&](const Job& job, const Context&) {
    (void)tries->next(job.id);
    return JobResult(std::unexpected(
        ended(job.id == "cancelled" ? CancelReason::kCancelled : CancelReason::kDeadlineExceeded)));
  });
  stop.request_stop();
  service.submit({.id = "never started", .ctx = Context(stop.get_token())});
  service.submit({.id = "cancelled"});
  service.submit({.id = "late"});
  service.ends->log.await("never started: cancelled before it started");
  service.ends->log.await("cancelled: cancelled");
  service.ends->log.await("late: deadline exceeded");
  EXPECT_THAT(service.retrier.stop(), IsEmpty());
  EXPECT_EQ(tries->of("cancelled"), 1);
  EXPECT_EQ(tries->of("late"), 1);
}

TEST(Retrier, FailureOfAJobWhoseContextHasEndedIsFinal) {
  const Watchdog watchdog;
  std::stop_source stop;
  Service service(watchdog, kInAnHour, {.workers = 1}, [&](const Job&, const Context&) {
    stop.request_stop();
    return failed("gave up");
  });
  service.submit({.id = "a", .ctx = Context(stop.get_token())});
  service.ends->log.await("a: gave up");
  EXPECT_THAT(service.retrier.stop(), IsEmpty());
}

TEST(Retrier, DeadlineBeforeTheNextTryGivesUpAtOnce) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  Service service(watchdog, kInAnHour, {.workers = 1}, always_fails(tries));
  service.submit({.id = "in vain", .ctx = Context().with_timeout(30min)});
  service.ends->log.await("in vain: 1");
  service.submit({.id = "worth it", .ctx = Context().with_timeout(2h)});
  watchdog.await("the second job to be tried", [&] { return tries->of("worth it") == 1; });
  (void)service.pool.shutdown(kPatient);
  EXPECT_THAT(ids_of(service.retrier.stop()), ElementsAre("worth it"));
  EXPECT_EQ(service.ends->log.count("worth it: 1"), 0u);
}

TEST(Retrier, BackoffForEverGivesUpAtOnce) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  const RetryPolicy never = {.backoff = kForever, .longest = kForever};
  Service service(watchdog, never, {.workers = 1}, always_fails(tries));
  service.submit({.id = "a"});
  service.ends->log.await("a: 1");
}

TEST(Retrier, NoMoreJobsWaitThanThePolicyAllows) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  const RetryPolicy two = {.backoff = 1h, .longest = 1h, .capacity = 2};
  Service service(watchdog, two, {.workers = 1}, always_fails(tries));
  for (const std::string id : {"a", "b", "c", "d"}) service.submit({.id = id});
  service.ends->log.await("d: 1");
  EXPECT_THAT(service.ends->log.events(),
              ElementsAre("start a", "start b", "start c", "c: 1", "start d", "d: 1"));
  EXPECT_THAT(ids_of(service.retrier.stop()), ElementsAre("a", "b"));
}

// --- A full pool -------------------------------------------------------------------------------

// One worker and room for one, which is taken; a fails while nobody else could make room.
TEST(Retrier, FullPoolWhoseRunningJobFailsDoesNotDeadlock) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  const auto gate = std::make_shared<Gate>(watchdog, "a may fail");
  Service service(watchdog, kSoon, {.workers = 1, .capacity = 1},
                  [tries, gate](const Job& job, const Context&) -> JobResult {
                    gate->wait();
                    const int which = tries->next(job.id);
                    return which == 2 ? JobResult() : failed(std::to_string(which));
                  });
  service.submit({.id = "a"});
  service.ends->log.await("start a");
  service.submit({.id = "b"});
  {
    const auto producer =
        watchdog.thread("producer: submit to the full pool", [&] { service.submit({.id = "c"}); });
    gate->open();
  }
  for (const std::string id : {"a", "b", "c"}) service.ends->log.await(id + ": ok");
}

// A pool that is full when the Retrier comes: a has failed and waits, b runs, c is queued.
struct FullPool {
  FullPool(const Watchdog& watchdog, int tries_allowed)
      : gate(std::make_shared<Gate>(watchdog, "b may go on")),
        ends(std::make_shared<Ends>(watchdog)),
        retries(std::make_shared<RetryQueue>(
            RetryPolicy{.tries = tries_allowed, .backoff = 1ms, .longest = 1ms}, ends)),
        pool({.workers = 1, .capacity = 1}, handler(tries, gate), retries) {
    submit({.id = "a", .ctx = Context(stop.get_token())});
    submit({.id = "b"});
    ends->log.await("start b");  // so the only worker is done with a
    submit({.id = "c"});
    retrier.emplace(retries, pool);
    watchdog.await("the Retrier to be refused",
                   [this] { return pool.metrics().rejected > 0 && tries->of("a") == 1; });
  }

  static JobHandler handler(const std::shared_ptr<Tries>& tries,
                            const std::shared_ptr<Gate>& gate) {
    return [tries, gate](const Job& job, const Context&) -> JobResult {
      const int which = tries->next(job.id);
      if (job.id == "a") return failed(std::to_string(which));
      gate->wait();
      return {};
    };
  }

  void submit(Job job) { ASSERT_EQ(pool.submit(std::move(job)), SendStatus::kSent); }

  std::stop_source stop;
  const std::shared_ptr<Tries> tries = std::make_shared<Tries>();
  const std::shared_ptr<Gate> gate;
  const std::shared_ptr<Ends> ends;
  const std::shared_ptr<RetryQueue> retries;
  WorkerPool pool;
  std::optional<Retrier> retrier;
};

TEST(Retrier, FullPoolIsAskedAgainAndThatIsNoTry) {
  const Watchdog watchdog;
  FullPool full(watchdog, 3);
  watchdog.await("the Retrier to be refused more often than a has tries",
                 [&] { return full.pool.metrics().rejected >= 5; });
  EXPECT_EQ(full.tries->of("a"), 1);
  full.gate->open();
  full.ends->log.await("a: 3");  // or it ends too early, with "a: 2"
}

TEST(Retrier, FullPoolIsNotAskedAgainBeforeTheBackoffIsOver) {
  const Watchdog watchdog;
  const Clock::time_point begin = Clock::now();
  FullPool full(watchdog, 2);
  watchdog.await("a few refusals", [&] { return full.pool.metrics().rejected >= 5; });
  EXPECT_GE(Clock::now() - begin, 4 * 1ms) << "four waits between five refusals";
  full.gate->open();
}

TEST(Retrier, StopReturnsAJobThatTheFullPoolRefused) {
  const Watchdog watchdog;
  FullPool full(watchdog, 2);
  EXPECT_THAT(ids_of(full.retrier->stop()), ElementsAre("a"));
  full.gate->open();
  (void)full.pool.shutdown(kPatient);
  EXPECT_THAT(full.ends->log.events(),
              ElementsAre("start a", "start b", "b: ok", "start c", "c: ok"));
}

TEST(Retrier, JobThatIsCancelledWhileItWaitsIsReported) {
  const Watchdog watchdog;
  FullPool full(watchdog, 2);
  full.stop.request_stop();
  full.gate->open();
  full.ends->log.await("a: cancelled before it started");
  EXPECT_EQ(full.tries->of("a"), 1);
}

// --- Stop --------------------------------------------------------------------------------------

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

// The second a has one failure before it, so it waits twice as long: b is due earlier.
TEST(Retrier, StopReturnsThemInTheOrderInWhichTheyWereDueAndOneIdSharesItsTries) {
  WorkerPool pool({}, [](const Job&, const Context&) { return JobResult(); });
  const auto retries =
      std::make_shared<RetryQueue>(RetryPolicy{.tries = 3, .backoff = 1h, .longest = 2h}, nullptr);
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

TEST(Retrier, StopComesBackAtOnceWhateverTheJobsDo) {
  const Watchdog watchdog;
  FullPool full(watchdog, 2);  // its gate is shut: nobody makes room, no job ends
  const auto note = watchdog.waiting("test: stop() and the destructor of a Retrier");
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
  // The probes that were accepted before the close are jobs like the others.
  const std::vector<std::string> waiting = ids_of(service.retrier.stop());
  EXPECT_THAT(waiting, Contains("a"));
  EXPECT_THAT(waiting, Contains("b"));
  EXPECT_EQ(tries->of("a"), 1) << "a closed pool gives nobody another try";
}

TEST(Retrier, ClosedPoolLeavesTheJobsToStop) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  const auto retries = std::make_shared<RetryQueue>(kSoon, nullptr);
  WorkerPool pool({.workers = 1}, always_fails(tries), retries);
  for (const std::string id : {"a", "b"}) {
    ASSERT_EQ(pool.submit({.id = id}), SendStatus::kSent);
  }
  (void)pool.shutdown(kPatient);
  Retrier retrier(retries, pool);
  watchdog.await("the Retrier to be refused", [&] { return pool.metrics().rejected > 0; });
  EXPECT_THAT(ids_of(retrier.stop()), ElementsAre("a", "b"));
}

// The workers fail one job after the other while stop() runs; then each must turn up once.
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
          << "how often job " << i << " was returned or told to the observer, round " << round;
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

// --- Lifetimes ---------------------------------------------------------------------------------

TEST(Retrier, AbandonedWorkerReportsLateAndInPeace) {
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
  watchdog.await("the abandoned worker to let go of its observers",
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
  watchdog.await("the observer to come back from stop()", [&] { return next->stopped.load(); });
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
