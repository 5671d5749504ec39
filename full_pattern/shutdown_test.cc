// How a WorkerPool shuts down, and what its destructor does without a shutdown.
#include "step4_shutdown/shutdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "full_pattern/pool_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/worker.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class WorkerPoolOn : public ::testing::TestWithParam<ChannelKind> {};
using WorkerPoolDeathTestOn = WorkerPoolOn;
INSTANTIATE_TEST_SUITE_P(Pool, WorkerPoolOn,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);
INSTANTIATE_TEST_SUITE_P(Pool, WorkerPoolDeathTestOn,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);

// --- Shutdown ------------------------------------------------------------------------------------

TEST_P(WorkerPoolOn, AStopRequestEndsTheDrain) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  WorkerPool pool({.workers = 1, .channel = GetParam()}, until_cancelled(log));
  ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
  log->await("start a");
  std::stop_source user;
  user.request_stop();
  EXPECT_EQ(pool.shutdown(kPatient, user.get_token()).outcome, ShutdownOutcome::kCancelled);
  EXPECT_THAT(log->events(), ElementsAre("start a", "cancelled a"));
}

TEST_P(WorkerPoolOn, ShutdownIsIdempotent) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  WorkerPool pool({.workers = 1, .channel = GetParam()}, until_cancelled(log));
  ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
  log->await("start a");
  ASSERT_EQ(pool.submit(Job{.id = "b"}), SendStatus::kSent);

  const ShutdownReport first = pool.shutdown(kCancelNow);
  const ShutdownReport second = pool.shutdown(kPatient);
  EXPECT_EQ(first.outcome, ShutdownOutcome::kCancelled);
  EXPECT_EQ(second.outcome, ShutdownOutcome::kCancelled);
  EXPECT_THAT(ids_of(first.not_started), ElementsAre("b"));
  EXPECT_THAT(second.not_started, IsEmpty()) << "the first caller has the jobs";
  EXPECT_EQ(second.closed_at, first.closed_at);
  EXPECT_EQ(second.cancelled_at, first.cancelled_at);
}

TEST_P(WorkerPoolOn, EveryReportSaysWhatWasAbandonedAndWhen) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  WorkerPool pool({.workers = 1, .channel = GetParam()}, Held::handler(held));
  ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
  held->log.await("start a");

  const ShutdownReport first = pool.shutdown(kAbandonNow);
  const ShutdownReport second = pool.shutdown(kPatient);
  for (const ShutdownReport* const report : {&first, &second}) {
    SCOPED_TRACE(report == &first ? "first report" : "second report");
    EXPECT_EQ(report->outcome, ShutdownOutcome::kAbandoned);
    EXPECT_THAT(report->still_running, ElementsAre("a"));
    EXPECT_GT(report->closed_at, Clock::time_point());
    EXPECT_TRUE(report->cancelled_at.has_value());
    EXPECT_TRUE(report->abandoned_at.has_value());
  }
  EXPECT_EQ(second.closed_at, first.closed_at);
  EXPECT_EQ(second.cancelled_at, first.cancelled_at);
  EXPECT_EQ(second.abandoned_at, first.abandoned_at);
  held->gate.open();
  held->log.await("end a");
}

TEST_P(WorkerPoolOn, ShutdownHandsBackTheJobsThemselvesAndNoCopies) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  WorkerPool pool({.workers = 1, .channel = GetParam()}, until_cancelled(log));
  ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
  log->await("start a");
  Job job{.id = "b", .payload = std::vector<std::byte>(1'000)};
  const std::byte* const payload = job.payload.data();
  ASSERT_EQ(pool.submit(std::move(job)), SendStatus::kSent);

  const ShutdownReport report = pool.shutdown(kCancelNow);
  ASSERT_THAT(ids_of(report.not_started), ElementsAre("b"));
  EXPECT_EQ(report.not_started[0].payload.data(), payload) << "the payload was copied";
}

TEST_P(WorkerPoolOn, ConcurrentShutdownsGetTheSameReportAndOneOfThemTheJobs) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  WorkerPool pool({.workers = 1, .channel = GetParam()}, until_cancelled(log));
  ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
  log->await("start a");
  ASSERT_EQ(pool.submit(Job{.id = "b"}), SendStatus::kSent);

  std::array<ShutdownReport, 4> reports;
  {
    std::vector<std::jthread> callers;
    for (ShutdownReport& report : reports) {
      callers.push_back(watchdog.thread("caller: shutdown",
                                        [&pool, &report] { report = pool.shutdown(kCancelNow); }));
    }
  }
  std::vector<std::string> handed_back;
  for (const ShutdownReport& report : reports) {
    EXPECT_EQ(report.outcome, ShutdownOutcome::kCancelled);
    for (const Job& job : report.not_started) handed_back.push_back(job.id);
    EXPECT_THAT(report.still_running, IsEmpty());
  }
  EXPECT_THAT(handed_back, ElementsAre("b"));
  EXPECT_THAT(log->events(), ElementsAre("start a", "cancelled a"));
}

TEST_P(WorkerPoolOn, ShutdownFromAJobIsRefusedAlsoWhileAnotherThreadShutsDown) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  struct PoolAndRefusals {
    std::atomic<int> refusals = 0;
    std::unique_ptr<WorkerPool> pool;
  } shared;
  shared.pool =
      std::make_unique<WorkerPool>(WorkerPool::Options{.workers = 1, .channel = GetParam()},
                                   [held, &shared](const Job& job, const Context&) {
                                     held->log.add("start " + job.id);
                                     held->gate.wait();
                                     try {
                                       (void)shared.pool->shutdown(kPatient);
                                     } catch (const std::logic_error&) {
                                       ++shared.refusals;
                                     }
                                     return JobResult();
                                   });
  ASSERT_EQ(shared.pool->submit(Job{.id = "a"}), SendStatus::kSent);
  ASSERT_EQ(shared.pool->submit(Job{.id = "b"}), SendStatus::kSent);
  {
    const auto caller =
        watchdog.thread("main: shutdown", [&] { (void)shared.pool->shutdown(kPatient); });
    Job probe{.id = "probe"};
    watchdog.await("the shutdown to close the pool",
                   [&] { return shared.pool->try_submit(Job(probe)) == SendStatus::kClosed; });
    held->gate.open();
  }
  EXPECT_GE(shared.refusals, 2) << "a and b were refused; a probe may have been a third job";
}

TEST_P(WorkerPoolOn, ShutdownIsBoundedWhateverAHandlerDoesAndSoIsTheDestructor) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  ShutdownReport report;
  {
    WorkerPool pool({.workers = 2, .channel = GetParam()}, Held::handler(held));
    for (const std::string id : {"a", "b", "c", "d"}) {
      ASSERT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
    }
    held->log.await("start a");
    held->log.await("start b");
    report = pool.shutdown(kAbandonNow);

    const Metrics metrics = pool.metrics();
    EXPECT_EQ(metrics.running, 2u);
    EXPECT_EQ(metrics.not_started, 2u);
    EXPECT_EQ(metrics.submitted, 4u);
  }
  held->log.add("scope left");

  EXPECT_EQ(report.outcome, ShutdownOutcome::kAbandoned);
  EXPECT_THAT(report.still_running, UnorderedElementsAre("a", "b"));
  EXPECT_THAT(ids_of(report.not_started), ElementsAre("c", "d"));

  // The abandoned workers finish late. The pool has been destroyed, but they own what they use.
  held->gate.open();
  held->log.await("end a");
  held->log.await("end b");
  watchdog.await("the abandoned workers to destroy their handlers",
                 [&] { return held.use_count() == 1; });
  EXPECT_THAT(held->log.events(),
              UnorderedElementsAre("start a", "start b", "scope left", "end a", "end b"))
      << "c and d were handed back, so they must never start";
}

// A stop callback of a job may block the thread that cancels. Here that is a thread of the
// shutdown, which was abandoned, so the destructor must not cancel again. (A second cancel would
// only matter before that thread has begun, hence the rounds.)
TEST_P(WorkerPoolOn, DestructorAfterAnAbandonDoesNotRunStopCallbacks) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  for (int round = 0; round < 50; ++round) {
    const auto gate = std::make_shared<Gate>(watchdog, "the stop callback may return");
    {
      WorkerPool pool({.workers = 1, .channel = GetParam()},
                      [held, gate](const Job& job, const Context& ctx) {
                        const std::stop_callback blocks(ctx.stop_token(), [gate] { gate->wait(); });
                        held->log.add("start " + job.id);
                        gate->wait();
                        return JobResult();
                      });
      const std::string id = std::to_string(round);
      ASSERT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
      held->log.await("start " + id);
      ASSERT_EQ(pool.shutdown(kAbandonNow).outcome, ShutdownOutcome::kAbandoned);
    }
    gate->open();
    watchdog.await("the abandoned threads to release the gate",
                   [&] { return gate.use_count() == 1; });
  }
}

// A job may share the ownership of its own pool. After an abandon that job may be the last owner,
// and destroys a pool that has no thread to join.
TEST_P(WorkerPoolOn, AbandonedJobMayDestroyThePool) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  auto owner = std::make_shared<std::unique_ptr<WorkerPool>>();
  const std::weak_ptr<std::unique_ptr<WorkerPool>> weak = owner;
  *owner = std::make_unique<WorkerPool>(WorkerPool::Options{.workers = 1, .channel = GetParam()},
                                        [held, weak](const Job& job, const Context&) {
                                          auto last_owner = weak.lock();
                                          held->log.add("start " + job.id);
                                          held->gate.wait();
                                          last_owner.reset();
                                          held->log.add("destroyed the pool");
                                          return JobResult();
                                        });
  ASSERT_EQ((*owner)->submit(Job{.id = "a"}), SendStatus::kSent);
  held->log.await("start a");
  ASSERT_EQ((*owner)->shutdown(kAbandonNow).outcome, ShutdownOutcome::kAbandoned);
  owner.reset();
  EXPECT_FALSE(weak.expired());
  held->gate.open();
  held->log.await("destroyed the pool");
  watchdog.await("the abandoned worker to destroy its handler",
                 [&] { return held.use_count() == 1; });
}

// --- Destructor ----------------------------------------------------------------------------------

TEST_P(WorkerPoolOn, DestructorWithoutShutdownDropsTheQueueCancelsAndJoins) {
  struct Finished : Observer {
    explicit Finished(const Watchdog& watchdog) : log(watchdog) {}
    void job_finished(int, const Job& job, const JobResult& result) override {
      log.add(job.id + ": " + (result ? "ok" : result.error().message));
    }
    EventLog log;
  };
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  const auto finished = std::make_shared<Finished>(watchdog);
  {
    WorkerPool pool({.workers = 1, .channel = GetParam()}, until_cancelled(log), finished);
    for (const std::string id : {"a", "b", "c"}) {
      ASSERT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
    }
    log->await("start a");
  }
  log->add("destroyed");
  EXPECT_THAT(log->events(), ElementsAre("start a", "cancelled a", "destroyed"));
  EXPECT_EQ(log.use_count(), 1) << "a worker still holds its handler: it was not joined";
  EXPECT_THAT(finished->log.events(), ElementsAre("a: shut down"))
      << "a dropped job never finishes";
}

TEST_P(WorkerPoolOn, JobMaySubmitWhileThePoolIsBeingDestroyed) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  WorkerPool* self = nullptr;
  {
    WorkerPool pool(
        {.workers = 1, .channel = GetParam()}, [log, &self](const Job& job, const Context& ctx) {
          log->add("start " + job.id);
          (void)ctx.sleep_for(kForever);  // until the destructor cancels
          const bool refused = self->try_submit(Job{.id = "more"}) == SendStatus::kClosed;
          log->add(refused ? "refused" : "accepted");
          return JobResult();
        });
    self = &pool;
    ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
    log->await("start a");
  }
  EXPECT_THAT(log->events(), ElementsAre("start a", "refused"));
}

TEST_P(WorkerPoolDeathTestOn, DestroyedByItsOwnJobItEndsTheProgramWithAMessage) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        const Watchdog watchdog;
        Gate gate(watchdog, "the job is the last owner");
        std::unique_ptr<WorkerPool> pool;
        const auto destroy_pool = [&](const Job&, const Context&) {
          gate.wait();
          pool.reset();
          return JobResult();
        };
        pool = std::make_unique<WorkerPool>(
            WorkerPool::Options{.workers = 1, .channel = GetParam()}, destroy_pool);
        (void)pool->submit(Job{.id = "a"});
        gate.open();
        (void)Context().sleep_for(Clock::duration::max());  // until the job ends the program
      },
      "destroyed inside one of its own jobs");
}

TEST_P(WorkerPoolOn, IdlePoolIsDestroyedAtOnce) {
  const Watchdog watchdog;
  for (int i = 0; i < 100; ++i) WorkerPool pool({.workers = 2, .channel = GetParam()}, succeed);
}

}  // namespace
}  // namespace worker_pool
