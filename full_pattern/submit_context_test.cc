// A submit that waits for room ends with a context: that of the job, or one of the caller. The job
// is then still the caller's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "full_pattern/pool_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/channel_testing.h"
#include "step2_worker/worker.h"
#include "testing/event_log.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// A pool without room: its only worker is held in a job, and its queue is full.
struct FullPool {
  FullPool(const Watchdog& watch, ChannelKind kind)
      : watchdog(watch),
        held(std::make_shared<Held>(watch)),
        pool({.workers = 1, .capacity = 1, .channel = kind}, Held::handler(held)) {
    EXPECT_EQ(pool.submit(Job{.id = "running"}), SendStatus::kSent);
    held->log.await("start running");
    EXPECT_EQ(pool.submit(Job{.id = "queued"}), SendStatus::kSent);
  }

  void await_blocked_submits(std::size_t count) const {
    watchdog.await("submit() to wait", [&] { return pool.metrics().blocked_submits == count; });
  }

  // Opens the gate, and expects that only the accepted jobs run and that `refused` are counted.
  void expect_refused(std::size_t refused) {
    held->gate.open();
    EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
    EXPECT_THAT(held->log.events(),
                ElementsAre("start running", "end running", "start queued", "end queued"));
    EXPECT_EQ(pool.metrics().rejected, refused);
  }

  const Watchdog& watchdog;
  const std::shared_ptr<Held> held;
  WorkerPool pool;
};

class SubmitOn : public ::testing::TestWithParam<ChannelKind> {};
INSTANTIATE_TEST_SUITE_P(Pool, SubmitOn,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);

Job job_with(const Context& ctx) {
  return {.id = "refused", .payload = std::vector<std::byte>(3), .ctx = ctx};
}

void expect_untouched(const Job& job) {
  EXPECT_EQ(job.id, "refused");
  EXPECT_EQ(job.payload.size(), 3u);
}

// --- The job's own context -----------------------------------------------------------------------

TEST_P(SubmitOn, TheDeadlineOfTheJobEndsItsSubmit) {
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for the job's deadline to end its submit()");
  FullPool full(watchdog, GetParam());
  Job job = job_with(Context().with_timeout(20ms));
  EXPECT_EQ(full.pool.submit(std::move(job)), SendStatus::kContextEnded);
  EXPECT_GE(Clock::now(), job.ctx.deadline()) << "refused early";
  expect_untouched(job);
  full.expect_refused(1);
}

TEST_P(SubmitOn, CancelingTheJobEndsItsSubmit) {
  const Watchdog watchdog;
  FullPool full(watchdog, GetParam());
  std::stop_source stop;
  Job job = job_with(Context(stop.get_token()));
  Job timed = job_with(Context(stop.get_token()));
  {
    const auto submitter = watchdog.thread("producer: submit() of a job that is canceled", [&] {
      EXPECT_EQ(full.pool.submit(std::move(job)), SendStatus::kContextEnded);
    });
    const auto other = watchdog.thread("producer: submit_for() of a job that is canceled", [&] {
      EXPECT_EQ(full.pool.submit_for(std::move(timed), 1h), SendStatus::kContextEnded);
    });
    full.await_blocked_submits(2);
    stop.request_stop();
  }
  expect_untouched(job);
  expect_untouched(timed);
  full.expect_refused(2);
}

TEST_P(SubmitOn, AJobThatHasEndedIsAcceptedIfThereIsRoom) {
  const Watchdog watchdog;
  WorkerPool pool({.channel = GetParam()}, succeed);
  const Context late = Context().with_timeout(0s);
  EXPECT_EQ(pool.submit(job_with(late)), SendStatus::kSent);
  EXPECT_EQ(pool.submit_for(job_with(late), 1h), SendStatus::kSent);
  EXPECT_EQ(pool.submit(job_with(late), Context().with_timeout(1h)), SendStatus::kSent);
  EXPECT_EQ(pool.try_submit(job_with(late)), SendStatus::kSent);
  (void)pool.shutdown(kPatient);
  EXPECT_EQ(pool.metrics().failed, 4u) << "the workers did not report that the jobs were late";
}

TEST_P(SubmitOn, AContextOfTheCallerThatHasEndedRefusesEvenIfThereIsRoom) {
  const Watchdog watchdog;
  WorkerPool pool({.channel = GetParam()}, succeed);
  Job job = job_with(Context());
  EXPECT_EQ(pool.submit(std::move(job), Context().with_timeout(0s)), SendStatus::kContextEnded);
  expect_untouched(job);
  EXPECT_EQ(pool.metrics().submitted, 0u);
  EXPECT_EQ(pool.metrics().rejected, 1u);
}

TEST_P(SubmitOn, ARefusedJobHasItsTimeOfSubmissionToo) {
  const Watchdog watchdog;
  WorkerPool pool({.channel = GetParam()}, succeed, std::make_shared<Observer>());
  const Clock::time_point before = Clock::now();
  Job late = job_with(Context());
  EXPECT_EQ(pool.submit(std::move(late), Context().with_timeout(0s)), SendStatus::kContextEnded);
  EXPECT_GE(late.submitted, before) << "submit() with a context that has ended";
  pool.close();
  Job job = job_with(Context());
  EXPECT_EQ(pool.submit(std::move(job)), SendStatus::kClosed);
  EXPECT_GE(job.submitted, before) << "submit()";
  job.submitted = {};
  EXPECT_EQ(pool.try_submit(std::move(job)), SendStatus::kClosed);
  EXPECT_GE(job.submitted, before) << "try_submit()";
  job.submitted = {};
  EXPECT_EQ(pool.submit_for(std::move(job), 1h), SendStatus::kClosed);
  EXPECT_GE(job.submitted, before) << "submit_for()";
}

// --- A context of the caller ---------------------------------------------------------------------

TEST_P(SubmitOn, EitherContextEndsASubmit) {
  const Watchdog watchdog;
  FullPool full(watchdog, GetParam());
  std::stop_source stop_job;
  std::stop_source stop_caller;
  std::stop_source never_requested;
  const Context never(never_requested.get_token());
  std::vector<Job> jobs;
  jobs.push_back(job_with(Context()));
  jobs.push_back(job_with(never));
  jobs.push_back(job_with(Context(stop_job.get_token())));
  const std::vector<Context> of_caller = {Context(stop_caller.get_token()),
                                          Context(stop_caller.get_token()), never};
  {
    std::vector<std::jthread> producers;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      producers.push_back(watchdog.thread("producer: submit() with a context", [&, i] {
        EXPECT_EQ(full.pool.submit(std::move(jobs[i]), of_caller[i]), SendStatus::kContextEnded);
      }));
    }
    full.await_blocked_submits(3);
    stop_job.request_stop();
    stop_caller.request_stop();
  }
  for (const Job& job : jobs) expect_untouched(job);
  full.expect_refused(3);
}

TEST_P(SubmitOn, TheDeadlineOfTheCallerEndsASubmit) {
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for the caller's deadline to end a submit()");
  FullPool full(watchdog, GetParam());
  Job job = job_with(Context());
  const Context until = Context().with_timeout(20ms);
  EXPECT_EQ(full.pool.submit(std::move(job), until), SendStatus::kContextEnded);
  EXPECT_GE(Clock::now(), until.deadline()) << "refused early";
  expect_untouched(job);
  full.expect_refused(1);
}

TEST_P(SubmitOn, TheContextOfTheCallerIsNotThatOfTheJob) {
  const Watchdog watchdog;
  std::stop_source stop;
  const auto log = std::make_shared<EventLog>(watchdog);
  WorkerPool pool({.workers = 1, .channel = GetParam()},
                  [log](const Job& job, const Context& ctx) -> JobResult {
                    log->add(job.id + (ctx.err() ? " is canceled" : " goes on"));
                    return {};
                  });
  {
    const Context while_submitting(stop.get_token());
    EXPECT_EQ(pool.submit(Job{.id = "a"}, while_submitting), SendStatus::kSent);
  }
  stop.request_stop();
  EXPECT_EQ(pool.submit(Job{.id = "b"}, Context(stop.get_token())), SendStatus::kContextEnded);
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  EXPECT_THAT(log->events(), ElementsAre("a goes on"));
}

TEST_P(SubmitOn, ClosingThePoolEndsASubmitWithAContext) {
  const Watchdog watchdog;
  FullPool full(watchdog, GetParam());
  Job job = job_with(Context().with_timeout(1h));
  {
    const auto producer = watchdog.thread("producer: submit() to a pool that is closed", [&] {
      EXPECT_EQ(full.pool.submit(std::move(job), Context().with_timeout(2h)), SendStatus::kClosed);
    });
    full.await_blocked_submits(1);
    full.pool.close();
  }
  expect_untouched(job);
  full.expect_refused(1);
}

}  // namespace
}  // namespace worker_pool
