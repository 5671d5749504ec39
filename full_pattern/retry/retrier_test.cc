#include "full_pattern/retry/retrier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <expected>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "full_pattern/retry/retry_queue.h"
#include "full_pattern/retry/retry_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

#if defined(__GLIBCXX__) && defined(__GLIBC__)
#include <pthread.h>
#endif

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RetryQueue, RefusesABadPolicy) {
  const RetryPolicy no_tries = {.tries = 0};
  EXPECT_THROW(RetryQueue(no_tries, nullptr), std::invalid_argument);
  EXPECT_THROW(RetryQueue({}, nullptr, nullptr), std::invalid_argument) << "no random numbers";
}

TEST(Retrier, WithoutAQueueItIsRefused) {
  const Watchdog watchdog;
  WorkerPool pool({}, succeed);
  EXPECT_THROW(Retrier(nullptr, pool), std::invalid_argument);
}

// The second one would submit the jobs of the first one's pool to its own, and stop both.
TEST(Retrier, SecondOneOfAQueueIsRefused) {
  const Watchdog watchdog;
  const auto retries = std::make_shared<RetryQueue>(kInAnHour, nullptr);
  WorkerPool pool({}, succeed, retries);
  {
    const Retrier first(retries, pool);
    EXPECT_THROW(Retrier(retries, pool), std::logic_error);
  }
  EXPECT_THROW(Retrier(retries, pool), std::logic_error) << "the queue has been stopped";
}

TEST(RetryQueue, WithoutARetrierEachErrorIsFinal) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  const auto ends = std::make_shared<Ends>(watchdog);
  const auto retries = std::make_shared<RetryQueue>(kInAnHour, ends);
  WorkerPool pool({.workers = 1}, always_fails(tries), retries);
  ASSERT_EQ(pool.submit({.id = "a"}), SendStatus::kSent);
  (void)pool.shutdown(kPatient);
  EXPECT_THAT(ends->log.events(), ElementsAre("start a", "a: 1"))
      << "the observer behind the queue was not notified of the error";
  EXPECT_THAT(Retrier(retries, pool).stop(), IsEmpty()) << "the job was also kept";
}

// --- Tries ---------------------------------------------------------------------------------------

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

// Elsewhere, such a job ends the program: forced_unwind.h.
#if defined(__GLIBCXX__) && defined(__GLIBC__)
TEST(Retrier, JobThatEndsItsThreadIsNotTriedAgainAndCostsOneWorker) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  Service service(watchdog, kSoon, {.workers = 2},
                  [tries](const Job& job, const Context&) -> JobResult {
                    (void)tries->next(job.id);
                    if (job.id == "a") pthread_exit(nullptr);
                    return {};
                  });
  service.submit({.id = "a"});
  service.ends->log.await("a: thread exited");
  EXPECT_EQ(tries->of("a"), 1);
  service.submit({.id = "b"});
  service.ends->log.await("b: ok");
}
#endif

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
  service.ends->log.await("a: ok");  // the third try
  service.submit({.id = "a"});
  service.ends->log.await("a: 6");  // tries 4, 5 and 6: three more after a success
  service.submit({.id = "a"});
  service.ends->log.await("a: 9");  // and three more after a failure
}

TEST(Retrier, IdIsForgottenBeforeTheObserverSeesTheResult) {
  struct Throws final : Observer {
    void job_finished(int, const Job&, const JobResult&) override {
      throw std::runtime_error("no disk");
    }
  };
  const Watchdog watchdog;
  const auto queue = std::make_shared<RetryQueue>(kInAnHour, std::make_shared<Throws>());
  WorkerPool pool({}, succeed);
  Retrier retrier(queue, pool);
  const Job job{.id = "a"};
  queue->job_finished(1, job, failed("no"));
  EXPECT_THROW(queue->job_finished(1, job, {}), std::runtime_error);
  queue->job_finished(1, job, failed("no"));
  const std::vector<WaitingJob> waiting = retrier.stop();
  ASSERT_EQ(waiting.size(), 2u);
  EXPECT_EQ(waiting[1].tries, 1) << "it has a try of the job that has finished";
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
  const RetryPolicy policy = {.tries = 4, .backoff = 10ms, .longest = 20ms, .jitter = 0};
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

// --- No retry ------------------------------------------------------------------------------------

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
  service.submit({.id = "hopeless", .ctx = Context().with_timeout(30min)});
  service.ends->log.await("hopeless: 1");
  service.submit({.id = "worth it", .ctx = Context().with_timeout(2h)});
  watchdog.await("the second job to be tried", [&] { return tries->of("worth it") == 1; });
  (void)service.pool.shutdown(kPatient);
  EXPECT_THAT(ids_of(service.retrier.stop()), ElementsAre("worth it"));
  EXPECT_EQ(service.ends->log.count("worth it: 1"), 0u);
}

TEST(Retrier, JobWithAnEndlessBackoffWaitsForStopUnlessItHasADeadline) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  const RetryPolicy never = {.backoff = kForever, .longest = kForever};
  Service service(watchdog, never, {.workers = 1}, always_fails(tries));
  service.submit({.id = "waits"});
  service.submit({.id = "hopeless", .ctx = Context().with_timeout(1h)});
  service.ends->log.await("hopeless: 1");
  EXPECT_THAT(ids_of(service.retrier.stop()), ElementsAre("waits"));
  EXPECT_THAT(service.ends->log.events(),
              ElementsAre("start waits", "start hopeless", "hopeless: 1"));
}

TEST(Retrier, NoMoreJobsWaitThanThePolicyAllows) {
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  const RetryPolicy two = {.backoff = 1h, .longest = 1h, .capacity = 2, .jitter = 0};
  Service service(watchdog, two, {.workers = 1}, always_fails(tries));
  for (const std::string id : {"a", "b", "c", "d"}) service.submit({.id = id});
  service.ends->log.await("d: 1");
  EXPECT_THAT(service.ends->log.events(),
              ElementsAre("start a", "start b", "start c", "c: 1", "start d", "d: 1"));
  EXPECT_THAT(ids_of(service.retrier.stop()), ElementsAre("a", "b"));
}

// --- A full pool ---------------------------------------------------------------------------------

// One worker, and a queue of one that is full. Job a fails while no other worker can make room.
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

TEST(Retrier, FullPoolIsAskedAgainAndThatIsNoTry) {
  const Watchdog watchdog;
  FullPool full(watchdog, 3);
  watchdog.await("the Retrier to be refused more often than a has tries",
                 [&] { return full.pool.metrics().rejected >= 5; });
  EXPECT_EQ(full.tries->of("a"), 1);
  full.gate->open();
  full.ends->log.await("a: 3");  // if a refusal counted as a try, this would be "a: 2"
}

TEST(Retrier, FullPoolIsNotAskedAgainBeforeTheBackoffIsOver) {
  const Watchdog watchdog;
  FullPool full(watchdog, 2, 1h);
  full.gate->open();
  for (const std::string id : {"b", "c"}) full.ends->log.await(id + ": ok");
  EXPECT_EQ(full.pool.metrics().rejected, 1u);
  EXPECT_THAT(ids_of(full.retrier->stop()), ElementsAre("a")) << "there was room again";
}

TEST(Retrier, StopReturnsAJobThatTheFullPoolRefused) {
  const Watchdog watchdog;
  FullPool full(watchdog, 2);
  EXPECT_THAT(ids_of(full.retrier->stop()), ElementsAre("a"));
  full.gate->open();
  (void)full.pool.shutdown(kPatient);
  EXPECT_THAT(full.ends->log.events(),
              ElementsAre("start b", "start a", "b: ok", "start c", "c: ok"));
}

TEST(Retrier, JobThatIsCancelledWhileItWaitsIsReported) {
  const Watchdog watchdog;
  FullPool full(watchdog, 2);
  full.stop.request_stop();
  full.gate->open();
  full.ends->log.await("a: cancelled before it started");
  EXPECT_EQ(full.tries->of("a"), 1);
}

}  // namespace
}  // namespace worker_pool
