#include "full_pattern/worker_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using ::testing::UnorderedElementsAre;

constexpr ShutdownLimits kPatient = {.drain = Clock::duration::max()};
constexpr ShutdownLimits kCancelNow = {.drain = 0ms, .cancel = Clock::duration::max()};
constexpr ShutdownLimits kAbandonNow = {.drain = 0ms, .cancel = 0ms};

JobResult succeed(const Job&, const Context&) { return {}; }

std::vector<std::string> ids_of(const std::vector<Job>& jobs) {
  std::vector<std::string> ids;
  for (const Job& job : jobs) ids.push_back(job.id);
  return ids;
}

// Jobs that log their start and then wait at a gate. Shared with the handlers, because an abandoned
// one outlives the test's scope.
struct Held {
  explicit Held(const Watchdog& watchdog) : gate(watchdog, "jobs may go on"), log(watchdog) {}

  static JobHandler handler(const std::shared_ptr<Held>& held) {
    return [held](const Job& job, const Context&) -> JobResult {
      held->log.add("start " + job.id);
      held->gate.wait();
      held->log.add("end " + job.id);
      return {};
    };
  }

  Gate gate;
  EventLog log;
};

// The same, but the jobs listen to their context instead of a gate.
JobHandler until_cancelled(const std::shared_ptr<EventLog>& log) {
  return [log](const Job& job, const Context& ctx) -> JobResult {
    log->add("start " + job.id);
    if (ctx.sleep_for(Clock::duration::max())) return {};
    log->add("cancelled " + job.id);
    return std::unexpected(ended(*ctx.err()));
  };
}

// Every test runs on both kinds of channels.
class WorkerPoolOn : public ::testing::TestWithParam<ChannelKind> {};
using WorkerPoolDeathTestOn = WorkerPoolOn;

std::string name_of(const ::testing::TestParamInfo<ChannelKind>& channel) {
  return channel.param == ChannelKind::kSimple ? "SimpleChannel" : "FastChannel";
}

INSTANTIATE_TEST_SUITE_P(Pool, WorkerPoolOn,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);
INSTANTIATE_TEST_SUITE_P(Pool, WorkerPoolDeathTestOn,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);

// --- Completion --------------------------------------------------------------------------------

TEST_P(WorkerPoolOn, RunsEveryAcceptedJobExactlyOnce) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  WorkerPool pool({.workers = 3, .capacity = 2, .channel = GetParam()},
                  [log](const Job& job, const Context&) {
                    log->add(job.id);
                    return JobResult();
                  });
  {
    std::vector<std::jthread> producers;
    for (const std::string name : {"a", "b", "c"}) {
      producers.push_back(watchdog.thread("producer " + name + ": submit", [&pool, name] {
        for (int i = 0; i < 50; ++i) {
          EXPECT_EQ(pool.submit(Job{.id = name + std::to_string(i)}), SendStatus::kSent);
        }
      }));
    }
  }
  const auto note = watchdog.waiting("test: shutdown");
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  EXPECT_EQ(log->events().size(), 150u);
  for (const std::string name : {"a", "b", "c"}) {
    for (int i = 0; i < 50; ++i) EXPECT_EQ(log->count(name + std::to_string(i)), 1u);
  }
}

TEST_P(WorkerPoolOn, OneWorkerKeepsTheOrderOfSubmission) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  WorkerPool pool({.workers = 1, .channel = GetParam()}, [log](const Job& job, const Context&) {
    log->add(job.id);
    return JobResult();
  });
  for (const std::string id : {"a", "b", "c", "d"}) {
    ASSERT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
  }
  (void)pool.shutdown(kPatient);
  EXPECT_THAT(log->events(), ElementsAre("a", "b", "c", "d"));
}

TEST_P(WorkerPoolOn, JobsReachTheObserverAndTheObserverOutlivesThePool) {
  struct Results : Observer {
    explicit Results(const Watchdog& watchdog) : log(watchdog) {}
    void job_started(int worker, const Job& job) override {
      log.add(std::to_string(worker) + " started " + job.id);
    }
    void job_finished(int worker, const Job& job, const JobResult& result) override {
      log.add(std::to_string(worker) + " finished " + job.id + ": " +
              (result ? "ok" : result.error().message));
    }
    EventLog log;
  };
  const Watchdog watchdog;
  const auto results = std::make_shared<Results>(watchdog);
  {
    WorkerPool pool(
        {.workers = 1, .channel = GetParam()},
        [](const Job& job, const Context&) -> JobResult {
          if (job.id == "bad") return std::unexpected(JobError{JobError::Kind::kFailed, "no"});
          return {};
        },
        results);
    ASSERT_EQ(pool.submit(Job{.id = "good"}), SendStatus::kSent);
    ASSERT_EQ(pool.submit(Job{.id = "bad"}), SendStatus::kSent);
    (void)pool.shutdown(kPatient);
  }
  EXPECT_THAT(results->log.events(), ElementsAre("1 started good", "1 finished good: ok",
                                                 "1 started bad", "1 finished bad: no"));
}

// --- Refusals ----------------------------------------------------------------------------------

TEST_P(WorkerPoolOn, ZeroWorkersZeroCapacityAndNoHandlerAreRefused) {
  EXPECT_THROW(WorkerPool({.workers = 0, .channel = GetParam()}, succeed), std::invalid_argument);
  EXPECT_THROW(WorkerPool({.workers = -1, .channel = GetParam()}, succeed), std::invalid_argument);
  EXPECT_THROW(WorkerPool({.workers = 1, .capacity = 0, .channel = GetParam()}, succeed),
               std::invalid_argument);
  EXPECT_THROW(WorkerPool({.workers = 1, .channel = GetParam()}, nullptr), std::invalid_argument);
}

TEST(WorkerPool, AChannelThatIsNoKindIsRefusedByName) {
  const auto neither = static_cast<ChannelKind>(7);
  EXPECT_THAT([&] { WorkerPool({.channel = neither}, succeed); },
              ThrowsMessage<std::invalid_argument>(
                  AllOf(HasSubstr("channel"), HasSubstr("ChannelKind::kSimple"))));
}

TEST(WorkerPool, TakesTheSimpleChannelUnlessToldOtherwise) {
  EXPECT_EQ(WorkerPool::Options().channel, ChannelKind::kSimple);
}

TEST_P(WorkerPoolOn, FullPoolRefusesAndTheJobStaysWithItsCaller) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  WorkerPool pool({.workers = 1, .capacity = 1, .channel = GetParam()}, Held::handler(held));
  ASSERT_EQ(pool.submit(Job{.id = "running"}), SendStatus::kSent);
  held->log.await("start running");
  ASSERT_EQ(pool.try_submit(Job{.id = "queued"}), SendStatus::kSent);

  Job job{.id = "too many", .payload = std::vector<std::byte>(3)};
  EXPECT_EQ(pool.try_submit(std::move(job)), SendStatus::kFull);
  EXPECT_EQ(pool.submit_for(std::move(job), 1ms), SendStatus::kFull);
  EXPECT_EQ(job.id, "too many");
  EXPECT_EQ(job.payload.size(), 3u);
  EXPECT_EQ(pool.metrics().rejected, 2u);

  held->gate.open();
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  EXPECT_EQ(held->log.count("start too many"), 0u);
}

TEST_P(WorkerPoolOn, SubmitForAcceptsWithinItsTime) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  WorkerPool pool({.workers = 1, .capacity = 1, .channel = GetParam()}, Held::handler(held));
  ASSERT_EQ(pool.submit(Job{.id = "running"}), SendStatus::kSent);
  held->log.await("start running");
  ASSERT_EQ(pool.submit(Job{.id = "queued"}), SendStatus::kSent);
  held->gate.open();
  EXPECT_EQ(pool.submit_for(Job{.id = "patient"}, Clock::duration::max()), SendStatus::kSent);
  (void)pool.shutdown(kPatient);
  EXPECT_EQ(held->log.count("end patient"), 1u);
}

TEST_P(WorkerPoolOn, SubmitAfterShutdownIsRefusedAndTheJobStaysWithItsCaller) {
  const Watchdog watchdog;
  WorkerPool pool({.channel = GetParam()}, succeed);
  (void)pool.shutdown();
  Job job{.id = "late", .payload = std::vector<std::byte>(3)};
  EXPECT_EQ(pool.submit(std::move(job)), SendStatus::kClosed);
  EXPECT_EQ(pool.try_submit(std::move(job)), SendStatus::kClosed);
  EXPECT_EQ(pool.submit_for(std::move(job), 1h), SendStatus::kClosed);
  EXPECT_EQ(job.id, "late");
  EXPECT_EQ(job.payload.size(), 3u);
  EXPECT_EQ(pool.metrics().rejected, 3u);
}

TEST_P(WorkerPoolOn, SubmitDuringShutdownIsRefusedEvenWhileItWaitsForRoom) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  WorkerPool pool({.workers = 1, .capacity = 1, .channel = GetParam()}, Held::handler(held));
  ASSERT_EQ(pool.submit(Job{.id = "running"}), SendStatus::kSent);
  held->log.await("start running");
  ASSERT_EQ(pool.submit(Job{.id = "queued"}), SendStatus::kSent);

  Job job{.id = "waiting"};
  SendStatus status = SendStatus::kSent;
  {
    const auto shutting_down = watchdog.thread("main: shutdown", [&] {
      EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
    });
    // Whether it comes before the close and waits, or after: the gate is shut, so there is never
    // room, and the answer is the same.
    auto producer = watchdog.thread("producer: submit to a full pool that shuts down",
                                    [&] { status = pool.submit(std::move(job)); });
    producer.join();
    held->gate.open();
  }
  EXPECT_EQ(status, SendStatus::kClosed);
  EXPECT_EQ(job.id, "waiting");
  EXPECT_EQ(held->log.count("end queued"), 1u) << "accepted before the shutdown, so it is done";
}

TEST_P(WorkerPoolOn, EachSubmitNotesTheTimeForTheObserver) {
  struct Times : Observer {
    void job_started(int, const Job& job) override {
      const Clock::time_point now = Clock::now();
      EXPECT_GE(job.submitted, earliest) << job.id << " has an older time";
      EXPECT_LE(job.submitted, now) << job.id;
      ++seen;
    }
    const Clock::time_point earliest = Clock::now();
    std::atomic<int> seen = 0;
  };
  const Watchdog watchdog;
  const auto times = std::make_shared<Times>();
  WorkerPool pool({.workers = 1, .channel = GetParam()}, succeed, times);
  const Clock::time_point old = times->earliest - 1h;
  ASSERT_EQ(pool.submit(Job{.id = "submit", .submitted = old}), SendStatus::kSent);
  ASSERT_EQ(pool.try_submit(Job{.id = "try_submit", .submitted = old}), SendStatus::kSent);
  ASSERT_EQ(pool.submit_for(Job{.id = "submit_for", .submitted = old}, 1h), SendStatus::kSent);
  (void)pool.shutdown(kPatient);
  EXPECT_EQ(times->seen, 3);
}

TEST_P(WorkerPoolOn, WithoutAnObserverNobodyLooksAtTheClock) {
  const Watchdog watchdog;
  const Clock::time_point mine = Clock::time_point(1h);
  WorkerPool pool({.workers = 1, .channel = GetParam()}, [mine](const Job& job, const Context&) {
    EXPECT_EQ(job.submitted, mine);
    return JobResult();
  });
  ASSERT_EQ(pool.submit(Job{.submitted = mine}), SendStatus::kSent);
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
}

// --- Close -------------------------------------------------------------------------------------

TEST_P(WorkerPoolOn, CloseRefusesWhatComesAndWakesWhoWaitsWhileTheQueueIsStillDone) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  WorkerPool pool({.workers = 1, .capacity = 1, .channel = GetParam()}, Held::handler(held));
  ASSERT_EQ(pool.submit(Job{.id = "runs"}), SendStatus::kSent);
  held->log.await("start runs");
  ASSERT_EQ(pool.submit(Job{.id = "waits"}), SendStatus::kSent);
  SendStatus blocked = SendStatus::kSent;
  {
    const auto producer = watchdog.thread("producer: submit to a full pool",
                                          [&] { blocked = pool.submit(Job{.id = "blocked"}); });
    pool.close();
    pool.close();
  }
  EXPECT_EQ(blocked, SendStatus::kClosed);
  EXPECT_EQ(pool.try_submit(Job{.id = "late"}), SendStatus::kClosed);
  held->gate.open();
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  EXPECT_THAT(held->log.events(),
              ElementsAre("start runs", "end runs", "start waits", "end waits"));
}

TEST_P(WorkerPoolOn, CloseMayBeCalledByAJob) {
  const Watchdog watchdog;
  WorkerPool* self = nullptr;
  WorkerPool pool({.workers = 1, .channel = GetParam()}, [&self](const Job&, const Context&) {
    self->close();
    return JobResult();
  });
  self = &pool;
  ASSERT_EQ(pool.submit(Job{.id = "closes"}), SendStatus::kSent);
  watchdog.await("the job to close the pool",
                 [&] { return pool.try_submit(Job{}) == SendStatus::kClosed; });
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
}

// --- Shutdown ----------------------------------------------------------------------------------

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
  EXPECT_THAT(ids_of(second.not_started), ElementsAre("b"));
}

TEST_P(WorkerPoolOn, ConcurrentShutdownsGetTheSameReport) {
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
  for (const ShutdownReport& report : reports) {
    EXPECT_EQ(report.outcome, ShutdownOutcome::kCancelled);
    EXPECT_THAT(ids_of(report.not_started), ElementsAre("b"));
    EXPECT_THAT(report.still_running, IsEmpty());
  }
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

  // The abandoned workers finish late and in peace: the pool is gone, what they use is not.
  held->gate.open();
  held->log.await("end a");
  held->log.await("end b");
  watchdog.await("the abandoned workers to let go of their handlers",
                 [&] { return held.use_count() == 1; });
  EXPECT_THAT(held->log.events(),
              UnorderedElementsAre("start a", "start b", "scope left", "end a", "end b"))
      << "c and d came back, so they must never start";
}

// A job may leave something behind that blocks whoever cancels it. That was the shutdown's own
// thread, and it was abandoned; the destructor must not cancel once more. (It would only matter if
// it came before that thread had begun, hence the rounds.)
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
    watchdog.await("the abandoned threads to let go", [&] { return gate.use_count() == 1; });
  }
}

// The pool may belong to something that its own jobs hold on to. After an abandon such a job may be
// the last to let go, and destroys a pool that has no threads left to join.
TEST_P(WorkerPoolOn, AbandonedJobMayBeTheOneThatDestroysThePool) {
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
  watchdog.await("the abandoned worker to let go of its handler",
                 [&] { return held.use_count() == 1; });
}

// --- Destructor --------------------------------------------------------------------------------

TEST_P(WorkerPoolOn, DestructorWithoutShutdownDropsTheQueueCancelsAndJoins) {
  struct Finished : Observer {
    explicit Finished(const Watchdog& watchdog) : log(watchdog) {}
    void job_finished(int, const Job& job, const JobResult&) override { log.add(job.id); }
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
  EXPECT_THAT(finished->log.events(), ElementsAre("a")) << "a dropped job is not heard of again";
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

TEST_P(WorkerPoolDeathTestOn, DestroyedByItsOwnJobItSaysWhatIsWrong) {
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

// --- Metrics -----------------------------------------------------------------------------------

TEST_P(WorkerPoolOn, MetricsOfANewPoolAreZero) {
  const Watchdog watchdog;
  const WorkerPool pool({.channel = GetParam()}, succeed);
  const Metrics metrics = pool.metrics();
  EXPECT_EQ(metrics.submitted, 0u);
  EXPECT_EQ(metrics.rejected, 0u);
  EXPECT_EQ(metrics.succeeded, 0u);
  EXPECT_EQ(metrics.failed, 0u);
  EXPECT_EQ(metrics.not_started, 0u);
  EXPECT_EQ(metrics.queued, 0u);
  EXPECT_EQ(metrics.running, 0u);
}

TEST_P(WorkerPoolOn, MetricsAreExactWhileJobsAreHeld) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  WorkerPool pool({.workers = 2, .channel = GetParam()}, Held::handler(held));
  for (const std::string id : {"a", "b", "c", "d", "e"}) {
    ASSERT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
  }
  held->gate.await_arrivals(2);
  const Metrics during = pool.metrics();
  EXPECT_EQ(during.submitted, 5u);
  EXPECT_EQ(during.running, 2u);
  EXPECT_EQ(during.queued, 3u);

  held->gate.open();
  (void)pool.shutdown(kPatient);
  const Metrics after = pool.metrics();
  EXPECT_EQ(after.submitted, 5u);
  EXPECT_EQ(after.succeeded, 5u);
  EXPECT_EQ(after.running, 0u);
  EXPECT_EQ(after.queued, 0u);
}

TEST_P(WorkerPoolOn, MetricsCountEachKindOfEnd) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  WorkerPool pool({.workers = 1, .channel = GetParam()},
                  [held](const Job& job, const Context& ctx) -> JobResult {
                    held->log.add("start " + job.id);
                    if (job.id == "fails")
                      return std::unexpected(JobError{JobError::Kind::kFailed, "no"});
                    if (job.id == "throws") throw std::runtime_error("no");
                    if (job.id == "stays") (void)ctx.sleep_for(Clock::duration::max());
                    return {};
                  });
  for (const std::string id : {"succeeds", "fails", "throws"}) {
    ASSERT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
  }
  ASSERT_EQ(pool.submit(Job{.id = "late", .ctx = Context().with_timeout(0ms)}), SendStatus::kSent);
  ASSERT_EQ(pool.submit(Job{.id = "stays"}), SendStatus::kSent);
  ASSERT_EQ(pool.submit(Job{.id = "comes back"}), SendStatus::kSent);
  held->log.await("start stays");

  const ShutdownReport report = pool.shutdown(kCancelNow);
  EXPECT_THAT(ids_of(report.not_started), ElementsAre("comes back"));
  const Metrics metrics = pool.metrics();
  EXPECT_EQ(metrics.submitted, 6u);
  EXPECT_EQ(metrics.succeeded, 2u) << "succeeds, and stays: it returned success when cancelled";
  EXPECT_EQ(metrics.failed, 3u) << "fails, throws, late";
  EXPECT_EQ(metrics.not_started, 1u);
  EXPECT_EQ(metrics.submitted, metrics.succeeded + metrics.failed + metrics.not_started);
}

TEST_P(WorkerPoolOn, MetricsAddUpWhateverTheObserverThrows) {
  struct Throws : Observer {
    void job_started(int, const Job&) override { throw std::runtime_error("no"); }
    void job_finished(int, const Job&, const JobResult&) override {
      throw std::runtime_error("no");
    }
  };
  const Watchdog watchdog;
  WorkerPool pool({.workers = 1, .channel = GetParam()}, succeed, std::make_shared<Throws>());
  ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
  ASSERT_EQ(pool.submit(Job{.id = "b"}), SendStatus::kSent);
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  EXPECT_EQ(pool.metrics().succeeded, 2u);
  EXPECT_EQ(pool.metrics().running, 0u);
}

TEST_P(WorkerPoolOn, MetricsAreConsistentAtEveryMoment) {
  constexpr std::size_t kWorkers = 2;
  constexpr std::size_t kCapacity = 3;
  constexpr std::uint64_t kJobs = 2'000;
  const Watchdog watchdog;
  std::atomic<std::uint64_t> offered = 0;
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<std::uint64_t> handled = 0;
  WorkerPool pool({.workers = kWorkers, .capacity = kCapacity, .channel = GetParam()},
                  [&](const Job&, const Context&) {
                    ++handled;
                    return JobResult();
                  });
  {
    const auto producer = watchdog.thread("producer: submit", [&] {
      while (offered < kJobs) {
        ++offered;
        if (pool.submit(Job{}) == SendStatus::kSent) ++accepted;
      }
    });
    Metrics last;
    while (accepted < kJobs) {
      const std::uint64_t accepted_before = accepted;
      const Metrics now = pool.metrics();
      EXPECT_GE(now.submitted, accepted_before);
      EXPECT_LE(now.submitted, offered);
      EXPECT_LE(now.succeeded, handled);
      EXPECT_LE(now.running, kWorkers);
      EXPECT_LE(now.queued, kCapacity);
      EXPECT_EQ(now.not_started, 0u);
      EXPECT_GE(now.submitted, last.submitted) << "a counter went down";
      EXPECT_GE(now.succeeded, last.succeeded) << "a counter went down";
      last = now;
    }
  }
  (void)pool.shutdown(kPatient);
  EXPECT_EQ(pool.metrics().succeeded, kJobs);
}

}  // namespace
}  // namespace worker_pool
