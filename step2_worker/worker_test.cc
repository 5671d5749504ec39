// worker() on the test's own thread: what it does with each kind of job, and what it reports.
//
// Each test queues its jobs, closes the channel and calls worker(), which returns when the channel
// is drained. So there is no other thread to wait for or to race with. worker_thread_test.cc tests
// workers on threads of their own.
#include "step2_worker/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <expected>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker_testing.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using namespace std::chrono_literals;

Context late() { return Context().with_timeout(-1s); }

JobResult fail_the_test(const Job& job, const Context&) {
  ADD_FAILURE() << "the handler was called for " << job.id;
  return {};
}

// Handles `jobs` as worker 1, on this thread.
void handle_all(std::vector<Job> jobs, JobHandler handler, std::shared_ptr<Observer> observer,
                Context pool_ctx = Context()) {
  auto [sender, queue] = make_channel<Job>(jobs.size() + 1);
  for (Job& job : jobs) EXPECT_EQ(sender.send(std::move(job)), SendStatus::kSent);
  sender.close();
  WaitGroup group;
  worker(1, queue, group.add(), std::move(handler), std::move(observer), std::move(pool_ctx));
}

// The same, with a Recorder as observer. Returns what it logged.
std::vector<std::string> reports(std::vector<Job> jobs, JobHandler handler,
                                 Context pool_ctx = Context()) {
  Watchdog watchdog;
  const auto recorder = std::make_shared<Recorder>(watchdog);
  handle_all(std::move(jobs), std::move(handler), recorder, std::move(pool_ctx));
  return recorder->log.events();
}

TEST(Worker, HandlesTheJobsInTheOrderInWhichTheyWereSent) {
  std::vector<std::string> handled;
  const auto handler = [&](const Job& job, const Context&) -> JobResult {
    handled.push_back(job.id);
    return {};
  };
  EXPECT_THAT(reports({make_job("a"), make_job("b"), make_job("c")}, handler),
              ElementsAre("1 started a", "1 finished a: ok", "1 started b", "1 finished b: ok",
                          "1 started c", "1 finished c: ok"));
  EXPECT_THAT(handled, ElementsAre("a", "b", "c"));
}

TEST(Worker, GivesTheHandlerTheWholeJob) {
  Job sent = make_job("a", Context().with_deadline(Clock::now() + 1h));
  sent.payload = {std::byte{1}, std::byte{0}, std::byte{255}};
  int calls = 0;
  const auto handler = [&](const Job& received, const Context&) -> JobResult {
    ++calls;
    EXPECT_EQ(received.id, "a");
    EXPECT_EQ(received.payload, sent.payload);
    EXPECT_EQ(received.ctx.deadline(), sent.ctx.deadline());
    return {};
  };
  reports({sent}, handler);
  EXPECT_EQ(calls, 1);
}

TEST(Worker, ReportsAnErrorOnceAndHandlesTheNextJob) {
  const auto handler = [](const Job& job, const Context&) -> JobResult {
    if (job.id == "a") return std::unexpected(JobError{JobError::Kind::kFailed, "disk full"});
    if (job.id == "b") return std::unexpected(ended(CancelReason::kDeadlineExceeded));
    return {};
  };
  EXPECT_THAT(reports({make_job("a"), make_job("b"), make_job("c")}, handler),
              ElementsAre("1 started a", "1 finished a: failed, disk full", "1 started b",
                          "1 finished b: deadline exceeded, deadline exceeded", "1 started c",
                          "1 finished c: ok"));
}

TEST(Worker, SurvivesAnExceptionWithoutAMessage) {
  struct Silent : std::exception {
    const char* what() const noexcept override { return nullptr; }
  };
  const auto handler = [](const Job& job, const Context&) -> JobResult {
    if (job.id == "a") throw Silent();
    return {};
  };
  EXPECT_THAT(
      reports({make_job("a"), make_job("b")}, handler),
      ElementsAre("1 started a", "1 finished a: threw, ", "1 started b", "1 finished b: ok"));
}

TEST(Worker, ReportsAnExceptionOnceAndHandlesTheNextJob) {
  const auto handler = [](const Job& job, const Context&) -> JobResult {
    if (job.id == "a") throw std::runtime_error("no such file");
    return {};
  };
  EXPECT_THAT(reports({make_job("a"), make_job("b")}, handler),
              ElementsAre("1 started a", "1 finished a: threw, no such file", "1 started b",
                          "1 finished b: ok"));
}

TEST(Worker, ReportsAnExceptionThatIsNoStdExceptionOnceAndHandlesTheNextJob) {
  const auto handler = [](const Job& job, const Context&) -> JobResult {
    if (job.id == "a") throw 42;
    return {};
  };
  EXPECT_THAT(
      reports({make_job("a"), make_job("b")}, handler),
      ElementsAre("1 started a", "1 finished a: threw, an exception that is not a std::exception",
                  "1 started b", "1 finished b: ok"));
}

TEST(Worker, DoesNotStartACancelledOrLateJobAndSaysSo) {
  EXPECT_THAT(reports({make_job("a", cancelled()), make_job("b", late())}, fail_the_test),
              ElementsAre("1 finished a: cancelled, cancelled before it started",
                          "1 finished b: deadline exceeded, "
                          "deadline exceeded before it started"));
}

TEST(Worker, SaysWhyAJobWasNotStartedIfThePoolHasEndedToo) {
  EXPECT_THAT(reports({make_job("a", late())}, fail_the_test, cancelled()),
              ElementsAre("1 finished a: cancelled, cancelled before it started"))
      << "a stop outranks a deadline";
  EXPECT_THAT(reports({make_job("a", cancelled())}, fail_the_test, late()),
              ElementsAre("1 finished a: cancelled, cancelled before it started"));
}

TEST(Worker, AShutdownOfThePoolKeepsNoReceivedJobFromStarting) {
  ContextSource pool;
  pool.request_shut_down();
  const auto stop_early = [](const Job&, const Context& ctx) -> JobResult {
    return std::unexpected(ended(ctx.err().value()));
  };
  const Context patient = Context().with_timeout(std::chrono::hours(1));
  EXPECT_THAT(
      reports({make_job("a"), make_job("b", patient), make_job("c")}, stop_early, pool.context()),
      ElementsAre("1 started a", "1 finished a: shut down, shut down", "1 started b",
                  "1 finished b: shut down, shut down", "1 started c",
                  "1 finished c: shut down, shut down"));
}

TEST(Worker, AJobWhoseOwnContextHasEndedIsNotStartedDuringAShutdown) {
  ContextSource pool;
  pool.request_shut_down();
  EXPECT_THAT(
      reports({make_job("a", cancelled()), make_job("b", late()), make_job("c", pool.context())},
              fail_the_test, pool.context()),
      ElementsAre("1 finished a: cancelled, cancelled before it started",
                  "1 finished b: deadline exceeded, deadline exceeded before it started",
                  "1 finished c: shut down, shut down before it started"));
}

TEST(Worker, HandlesTheJobsBehindACancelledOne) {
  EXPECT_THAT(
      reports({make_job("a", cancelled()), make_job("b")}, succeed),
      ElementsAre(StartsWith("1 finished a: cancelled"), "1 started b", "1 finished b: ok"));
}

TEST(Worker, StartsNothingOnceThePoolIsCancelledOrLateButReportsEveryJob) {
  EXPECT_THAT(reports({make_job("a"), make_job("b")}, fail_the_test, cancelled()),
              ElementsAre("1 finished a: cancelled, cancelled before it started",
                          "1 finished b: cancelled, cancelled before it started"));
  EXPECT_THAT(reports({make_job("a")}, fail_the_test, late()),
              ElementsAre(AllOf(StartsWith("1 finished a: deadline exceeded,"),
                                HasSubstr("before it started"))));
}

TEST(Worker, CallsItselfByTheNumberItWasGiven) {
  Watchdog watchdog;
  const auto recorder = std::make_shared<Recorder>(watchdog);
  auto [jobs, queue] = make_channel<Job>(2);
  EXPECT_EQ(jobs.send(make_job("a")), SendStatus::kSent);
  EXPECT_EQ(jobs.send(make_job("b", cancelled())), SendStatus::kSent);
  jobs.close();
  WaitGroup group;
  worker(7, queue, group.add(), succeed, recorder, Context());
  EXPECT_THAT(recorder->log.events(), ElementsAre("7 started a", "7 finished a: ok",
                                                  StartsWith("7 finished b: cancelled")));
}

TEST(Worker, TheHandlersContextHasTheEarlierDeadline) {
  const Clock::time_point now = Clock::now();
  const Context early = Context().with_deadline(now + 1h);
  const Context far = Context().with_deadline(now + 2h);
  std::vector<Clock::duration> left;
  const auto handler = [&](const Job&, const Context& ctx) -> JobResult {
    left.push_back(ctx.deadline() - now);
    return {};
  };
  reports({make_job("a", early), make_job("b", far), make_job("c")}, handler, far);
  reports({make_job("d", far)}, handler, early);
  EXPECT_THAT(left, ElementsAre(1h, 2h, 2h, 1h));
}

TEST(Worker, WithoutAnObserverHandlesEveryKindOfJob) {
  Watchdog watchdog;
  std::vector<std::string> handled;
  const auto handler = [&](const Job& job, const Context&) -> JobResult {
    handled.push_back(job.id);
    if (job.id == "a") throw std::runtime_error("no such file");
    return {};
  };
  handle_all({make_job("a"), make_job("b", cancelled()), make_job("c")}, handler, nullptr);
  EXPECT_THAT(handled, ElementsAre("a", "c"));
}

TEST(Worker, NeverNullKeepsAnObserverAndReplacesNone) {
  Watchdog watchdog;
  const auto recorder = std::make_shared<Recorder>(watchdog);
  EXPECT_EQ(never_null(recorder), recorder);
  EXPECT_NE(never_null(nullptr), nullptr);
}

// Logs every call, then throws.
template <class Thrown>
class ThrowingObserver : public Recorder {
 public:
  using Recorder::Recorder;
  void job_started(int worker, const Job& job) override {
    Recorder::job_started(worker, job);
    throw Thrown{};
  }
  void job_finished(int worker, const Job& job, const JobResult& result) override {
    Recorder::job_finished(worker, job, result);
    throw Thrown{};
  }
};

template <class Thrown>
void expect_a_throwing_observer_to_stop_nothing() {
  Watchdog watchdog;
  const auto observer = std::make_shared<ThrowingObserver<Thrown>>(watchdog);
  std::vector<std::string> handled;
  const auto handler = [&](const Job& job, const Context&) -> JobResult {
    handled.push_back(job.id);
    if (job.id == "b") throw std::runtime_error("no such file");
    return {};
  };
  handle_all({make_job("a"), make_job("b"), make_job("c", cancelled()), make_job("d")}, handler,
             observer);
  EXPECT_THAT(handled, ElementsAre("a", "b", "d"));
  EXPECT_THAT(observer->log.events(),
              ElementsAre("1 started a", "1 finished a: ok", "1 started b",
                          "1 finished b: threw, no such file",
                          "1 finished c: cancelled, cancelled before it started", "1 started d",
                          "1 finished d: ok"));
}

TEST(Worker, AnObserverThatThrowsAnExceptionStopsNothingAndIsToldEverythingOnce) {
  expect_a_throwing_observer_to_stop_nothing<std::bad_alloc>();
}

TEST(Worker, AnObserverThatThrowsSomethingElseStopsNothingAndIsToldEverythingOnce) {
  expect_a_throwing_observer_to_stop_nothing<int>();
}

}  // namespace
}  // namespace worker_pool
