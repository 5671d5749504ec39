#include "full_pattern/results/result_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <expected>
#include <future>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

#include "full_pattern/pool_testing.h"
#include "full_pattern/results/pending_results.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "step4_shutdown/shutdown.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Outcome<std::string> echo(const Job& job, const Context&) { return "result of " + job.id; }

// Returns "abc", or the error as "shut down: its message". Needs a watchdog.
template <class Submitted>
std::string answer(Submitted& submitted) {
  if (!submitted) return "refused";
  const auto outcome = submitted->get();
  if (outcome) return *outcome;
  return std::string(to_string(outcome.error().kind)) + ": " + outcome.error().message;
}

// A handler whose jobs wait for the gate, and ignore their context.
ResultPool<std::string>::Handler held_at(const std::shared_ptr<Gate>& gate) {
  return [gate](const Job& job, const Context& ctx) {
    gate->wait();
    return echo(job, ctx);
  };
}

// A handler that logs the start of a job, which then waits for the end of its context.
ResultPool<std::string>::Handler until_its_end(const std::shared_ptr<EventLog>& log) {
  return [log](const Job& job, const Context& ctx) -> Outcome<std::string> {
    log->add("start " + job.id);
    if (ctx.sleep_for(kForever)) return "slept for the whole of forever";
    return std::unexpected(ended(*ctx.err()));
  };
}

TEST(ResultPool, AJobsResultArrivesInItsFuture) {
  const Watchdog watchdog;
  ResultPool<std::string> pool({.workers = 3}, echo);
  auto a = pool.submit(Job{.id = "a"});
  auto b = pool.try_submit(Job{.id = "b"});
  EXPECT_EQ(answer(b), "result of b");
  EXPECT_EQ(answer(a), "result of a");
}

TEST(ResultPool, AResultMayBeMoveOnly) {
  const Watchdog watchdog;
  ResultPool<std::unique_ptr<int>> pool(
      {}, [](const Job&, const Context&) { return std::make_unique<int>(42); });
  auto number = pool.submit(Job{.id = "a"});
  ASSERT_TRUE(number);
  EXPECT_EQ(**number->get(), 42);
}

TEST(ResultPool, AResultMayBeVoid) {
  const Watchdog watchdog;
  ResultPool<void> pool({}, [](const Job& job, const Context&) -> Outcome<void> {
    if (job.id == "bad") return std::unexpected(JobError{});
    return {};
  });
  auto good = pool.submit(Job{.id = "good"});
  auto bad = pool.submit(Job{.id = "bad"});
  ASSERT_TRUE(good && bad);
  EXPECT_TRUE(good->get());
  EXPECT_FALSE(bad->get());
}

TEST(ResultPool, AJobThatFailedOrThrewHasAnErrorInPlaceOfAResult) {
  const Watchdog watchdog;
  ResultPool<std::string> pool({}, [](const Job& job, const Context&) -> Outcome<std::string> {
    if (job.id == "throws") throw std::runtime_error("no such file");
    return std::unexpected(JobError{.message = "not a number"});
  });
  auto fails = pool.submit(Job{.id = "fails"});
  auto throws = pool.submit(Job{.id = "throws"});
  EXPECT_EQ(answer(fails), "failed: not a number");
  EXPECT_EQ(answer(throws), "threw: no such file");
}

TEST(ResultPool, AJobThatIsTooLateToStartHasAnError) {
  const Watchdog watchdog;
  ResultPool<std::string> pool({}, echo);
  auto late = pool.submit(Job{.id = "late", .ctx = Context().with_timeout(0ms)});
  EXPECT_EQ(answer(late), "deadline exceeded: deadline exceeded before it started");
}

TEST(ResultPool, AShutdownAnswersForTheJobsThatItHandsBackCancelsOrAbandons) {
  const Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the abandoned job may go on");
  ResultPool<std::string> pool({.workers = 1}, held_at(gate));
  auto running = pool.submit(Job{.id = "running"});
  auto queued = pool.submit(Job{.id = "queued"});
  gate->await_arrivals(1);
  const ShutdownReport report = pool.shutdown(kAbandonNow);
  EXPECT_THAT(ids_of(report.not_started), ::testing::ElementsAre("queued"));
  EXPECT_THAT(report.still_running, ::testing::ElementsAre("running"));
  EXPECT_EQ(answer(queued), "shut down: shut down");
  EXPECT_EQ(answer(running), "shut down: shut down");
  gate->open();  // what it returns now is too late
}

TEST(ResultPool, AStopRequestEndsTheDrain) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  ResultPool<std::string> pool({.workers = 1}, until_its_end(log));
  auto running = pool.submit(Job{.id = "running"});
  log->await("start running");
  std::stop_source user;
  user.request_stop();
  const auto note = watchdog.waiting("test: for the stop request to end the drain");
  const ShutdownReport report =
      pool.shutdown({.drain = kForever, .cancel = kForever}, user.get_token());
  EXPECT_EQ(report.outcome, ShutdownOutcome::kCancelled);
  EXPECT_EQ(answer(running), "shut down: shut down");
}

TEST(ResultPool, ADestroyedPoolAnswersForTheJobsThatItDropsAndCancels) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  auto pool = std::make_unique<ResultPool<std::string>>(WorkerPool::Options{.workers = 1},
                                                        until_its_end(log));
  auto running = pool->submit(Job{.id = "running"});
  auto queued = pool->submit(Job{.id = "queued"});
  log->await("start running");
  pool.reset();
  EXPECT_EQ(answer(queued), "shut down: shut down");
  EXPECT_EQ(answer(running), "shut down: shut down");
  EXPECT_EQ(log->count("start queued"), 0u);
}

TEST(ResultPool, AJobMaySubmitWhileThePoolIsBeingDestroyed) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  ResultPool<std::string>* self = nullptr;
  {
    ResultPool<std::string> pool({.workers = 1}, [log, &self](const Job& job, const Context& ctx) {
      log->add("start " + job.id);
      (void)ctx.sleep_for(kForever);  // until the destructor cancels
      const auto submitted = self->try_submit(Job{.id = "more"});
      const bool refused = !submitted && submitted.error() == SendStatus::kClosed;
      log->add(refused ? "refused" : "accepted");
      return echo(job, ctx);
    });
    self = &pool;
    ASSERT_TRUE(pool.submit(Job{.id = "a"}));
    log->await("start a");
  }
  EXPECT_THAT(log->events(), ElementsAre("start a", "refused"));
}

TEST(ResultPool, TwoUnfinishedJobsCannotHaveTheSameId) {
  const Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the first job may finish");
  ResultPool<std::string> pool({}, held_at(gate));
  auto first = pool.submit(Job{.id = "a"});
  Job second{.id = "a", .payload = {std::byte{1}}};
  EXPECT_THAT([&] { (void)pool.submit(std::move(second)); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("the id \"a\" has not finished")));
  EXPECT_EQ(second.id, "a");
  EXPECT_EQ(second.payload.size(), 1u);
  gate->open();
  EXPECT_EQ(answer(first), "result of a");
  auto again = pool.submit(std::move(second));
  EXPECT_EQ(answer(again), "result of a");
}

TEST(ResultPool, ARefusedJobStaysTheCallersAndItsIdIsFree) {
  const Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the jobs may finish");
  ResultPool<std::string> pool({.workers = 1, .capacity = 1}, held_at(gate));
  auto running = pool.submit(Job{.id = "running"});
  gate->await_arrivals(1);
  auto queued = pool.submit(Job{.id = "queued"});
  Job job{.id = "a"};
  EXPECT_EQ(pool.try_submit(std::move(job)).error(), SendStatus::kFull);
  EXPECT_EQ(job.id, "a");
  EXPECT_EQ(pool.try_submit(std::move(job)).error(), SendStatus::kFull);  // it is no second "a"
  const Context ended = Context().with_timeout(0ms);
  EXPECT_EQ(pool.submit(std::move(job), ended).error(), SendStatus::kContextEnded);
  pool.close();
  EXPECT_EQ(pool.submit(std::move(job)).error(), SendStatus::kClosed);
  EXPECT_EQ(job.id, "a");
  gate->open();
  EXPECT_EQ(answer(running) + ", " + answer(queued), "result of running, result of queued");
  EXPECT_EQ(pool.metrics().rejected, 4u);
}

TEST(ResultPool, AFutureIsReadyOnceTheObserverHasSeenTheJob) {
  struct WaitsAtTheGate final : Observer {
    explicit WaitsAtTheGate(const Watchdog& watchdog) : gate(watchdog, "the observer may return") {}
    void job_finished(int, const Job&, const JobResult&) override { gate.wait(); }
    Gate gate;
  };
  const Watchdog watchdog;
  const auto observer = std::make_shared<WaitsAtTheGate>(watchdog);
  ResultPool<std::string> pool({}, echo, observer);
  auto a = pool.submit(Job{.id = "a"});
  ASSERT_TRUE(a);
  observer->gate.await_arrivals(1);
  EXPECT_EQ(a->wait_for(0ms), std::future_status::timeout);
  observer->gate.open();
  EXPECT_EQ(answer(a), "result of a");
}

TEST(ResultPool, RefusesAnEmptyHandler) {
  EXPECT_THAT([] { ResultPool<int> pool({}, nullptr); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("handler")));
}

// The job was abandoned: its result was kept for no caller. By the time that its worker reports it,
// another job with its id has been submitted, and is about to be refused.
TEST(PendingResults, AnAbandonedJobDoesNotAnswerForALaterOneWithItsId) {
  PendingResults<std::string> results;
  const Job job{.id = "a"};
  auto abandoned = results.expect("a");
  results.end_all(CancelReason::kShutDown);
  const JobResult result = results.run(echo, job, Context());
  auto later = results.expect("a");
  results.job_finished(1, job, result);
  EXPECT_EQ(abandoned.get().error().kind, JobError::Kind::kShutDown);
  EXPECT_THROW((void)later.get(), std::future_error) << "there was no result to answer with";
  results.forget("a");  // as the submit does whose job is refused
}

}  // namespace
}  // namespace worker_pool
