// What a WorkerPool accepts, refuses and runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <expected>
#include <limits>
#include <memory>
#include <stdexcept>
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
#include "step4_shutdown/shutdown.h"
#include "testing/event_log.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class WorkerPoolOn : public ::testing::TestWithParam<ChannelKind> {};
INSTANTIATE_TEST_SUITE_P(Pool, WorkerPoolOn,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);

// --- Completion ----------------------------------------------------------------------------------

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

// --- Refusals ------------------------------------------------------------------------------------

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

TEST(WorkerPool, MoreThanASystemHasIsRefusedByName) {
  EXPECT_THAT([] { WorkerPool({.workers = std::numeric_limits<int>::max()}, succeed); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("must be at most 32768")));
  EXPECT_THAT(
      [] {
        WorkerPool(
            {.capacity = std::numeric_limits<std::size_t>::max(), .channel = ChannelKind::kFast},
            succeed);
      },
      ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr("make_fast_channel: capacity is "),
                                                 HasSubstr("must be at most 16777216"))));
}

TEST_P(WorkerPoolOn, LeavesAnEmptyJobBehind) {
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for room in the queue");
  WorkerPool pool({.workers = 1, .capacity = 2, .channel = GetParam()}, succeed);
  Job job;
  for (int i = 0; i < 10; ++i) {
    job = {.id = "an id that is too long for the string object itself",
           .payload = std::vector(64, std::byte{42}),
           .ctx = Context().with_timeout(std::chrono::hours(1)),
           .submitted = Clock::now()};
    const SendStatus status =
        i % 2 == 0 ? pool.submit(std::move(job)) : pool.submit_for(std::move(job), kForever);
    EXPECT_EQ(status, SendStatus::kSent);
    EXPECT_EQ(job.id, "");
    EXPECT_EQ(job.payload.size(), 0u);
    EXPECT_FALSE(job.ctx.can_end()) << "it still has its deadline";
    EXPECT_EQ(job.submitted, Clock::time_point());
  }
  (void)pool.shutdown(kPatient);
}

TEST(WorkerPool, TakesTheFastChannelUnlessToldOtherwise) {
  EXPECT_EQ(WorkerPool::Options().channel, ChannelKind::kFast);
}

TEST(WorkerPool, HasThreeWorkersAndRoomForAHundredJobsUnlessToldOtherwise) {
  EXPECT_EQ(WorkerPool::Options().workers, 3);
  EXPECT_EQ(WorkerPool::Options().capacity, 100u);
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
    // The submit may begin before or after the close. The gate is closed, so there is never room,
    // and the result is the same.
    auto producer = watchdog.thread("producer: submit to a full pool that shuts down",
                                    [&] { status = pool.submit(std::move(job)); });
    producer.join();
    held->gate.open();
  }
  EXPECT_EQ(status, SendStatus::kClosed);
  EXPECT_EQ(job.id, "waiting");
  EXPECT_EQ(held->log.count("end queued"), 1u)
      << "it was accepted before the shutdown, so it must run";
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

TEST_P(WorkerPoolOn, WithoutAnObserverTheClockIsNotRead) {
  const Watchdog watchdog;
  const Clock::time_point mine = Clock::time_point(1h);
  WorkerPool pool({.workers = 1, .channel = GetParam()}, [mine](const Job& job, const Context&) {
    EXPECT_EQ(job.submitted, mine);
    return JobResult();
  });
  ASSERT_EQ(pool.submit(Job{.submitted = mine}), SendStatus::kSent);
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
}

// --- Close ---------------------------------------------------------------------------------------

TEST_P(WorkerPoolOn, CloseRefusesNewJobsWakesBlockedSubmitsAndKeepsTheQueue) {
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
    watchdog.await("submit() to wait", [&] { return pool.metrics().blocked_submits == 1; });
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

}  // namespace
}  // namespace worker_pool
