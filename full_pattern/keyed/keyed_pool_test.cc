#include "full_pattern/keyed/keyed_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
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

// "ann/1" and "ann/2" have one key.
std::string key_of(const Job& job) { return job.id.substr(0, job.id.find('/')); }

// Logs "start ID" and "end ID". The jobs of the key "held" wait at the gate in between.
struct Jobs {
  explicit Jobs(const Watchdog& watchdog)
      : gate(watchdog, "the jobs of the key \"held\" may finish"), log(watchdog) {}

  static JobHandler handler(const std::shared_ptr<Jobs>& jobs) {
    return [jobs](const Job& job, const Context&) -> JobResult {
      jobs->log.add("start " + job.id);
      if (key_of(job) == "held") jobs->gate.wait();
      jobs->log.add("end " + job.id);
      return {};
    };
  }

  Gate gate;
  EventLog log;
};

void expect_all_sent(KeyedPool& pool, const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    EXPECT_EQ(pool.try_submit(Job{.id = id}), SendStatus::kSent) << id;
  }
}

TEST(KeyedPool, AJobStartsOnceTheOneBeforeItOfItsKeyHasFinished) {
  const Watchdog watchdog;
  const auto jobs = std::make_shared<Jobs>(watchdog);
  KeyedPool pool({.workers = 3}, key_of, Jobs::handler(jobs));
  expect_all_sent(pool, {"held/1", "held/2"});
  jobs->log.await("start held/1");
  expect_all_sent(pool, {"other/1"});
  jobs->log.await("end other/1");  // the key is free, and a worker too
  EXPECT_EQ(jobs->log.count("start held/2"), 0u);
  EXPECT_EQ(pool.metrics().queued, 1u);
  jobs->gate.open();
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  EXPECT_THAT(jobs->log.events(), ElementsAre("start held/1", "start other/1", "end other/1",
                                              "end held/1", "start held/2", "end held/2"));
}

// The queue has one place, and two workers are idle.
TEST(KeyedPool, AReadyJobDoesNotWaitForTheEndOfAnotherKeysJob) {
  const Watchdog watchdog;
  const auto jobs = std::make_shared<Jobs>(watchdog);
  KeyedPool pool({.workers = 3, .capacity = 1}, key_of, Jobs::handler(jobs));
  for (const std::string id : {"held/1", "other/1", "third/1"}) {
    EXPECT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
  }
  jobs->log.await("end third/1");
  jobs->log.await("end other/1");
  jobs->gate.open();
}

TEST(KeyedPool, TheJobsOfAKeyRunOneAtATimeInTheirOrder) {
  constexpr int kKeys = 5;
  constexpr int kJobs = 40;
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  KeyedPool pool({.workers = 3, .capacity = 2}, key_of,
                 [log](const Job& job, const Context&) -> JobResult {
                   log->add("start " + job.id);
                   log->add("end " + job.id);
                   return {};
                 });
  std::vector<std::string> wanted;
  {
    std::vector<std::jthread> producers;
    for (int key = 0; key < kKeys; ++key) {
      producers.push_back(watchdog.thread("producer: submit", [&pool, key] {
        for (int i = 0; i < kJobs; ++i) {
          const std::string id = std::to_string(key) + "/" + std::to_string(i);
          EXPECT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
        }
      }));
    }
  }
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  std::vector<std::vector<std::string>> events(kKeys);
  for (const std::string& event : log->events()) {
    const std::size_t key = static_cast<std::size_t>(event[event.find('/') - 1] - '0');
    events[key].push_back(event);
  }
  for (int key = 0; key < kKeys; ++key) {
    std::vector<std::string> in_order;
    for (int i = 0; i < kJobs; ++i) {
      const std::string id = std::to_string(key) + "/" + std::to_string(i);
      in_order.push_back("start " + id);
      in_order.push_back("end " + id);
    }
    EXPECT_EQ(events[static_cast<std::size_t>(key)], in_order);
  }
}

TEST(KeyedPool, AJobThatFailsThrowsOrIsLateFreesItsKey) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  KeyedPool pool({.workers = 2}, key_of, [log](const Job& job, const Context&) -> JobResult {
    log->add(job.id);
    if (job.id == "a/throws") throw std::runtime_error("no such file");
    return std::unexpected(JobError{});
  });
  expect_all_sent(pool, {"a/fails", "a/throws"});
  EXPECT_EQ(pool.submit(Job{.id = "a/late", .ctx = Context().with_timeout(0ms)}),
            SendStatus::kSent);
  expect_all_sent(pool, {"a/last"});
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  EXPECT_THAT(log->events(), ElementsAre("a/fails", "a/throws", "a/last"));
  EXPECT_EQ(pool.metrics().failed, 4u);
}

TEST(KeyedPool, TheObserverHasSeenAJobFinishBeforeTheNextOneOfTheKeyStarts) {
  struct WaitsAtTheGate final : Observer {
    explicit WaitsAtTheGate(const Watchdog& watchdog) : gate(watchdog, "the observer may return") {}
    void job_finished(int, const Job& job, const JobResult&) override {
      if (job.id == "a/1") gate.wait();
    }
    Gate gate;
  };
  const Watchdog watchdog;
  const auto observer = std::make_shared<WaitsAtTheGate>(watchdog);
  const auto jobs = std::make_shared<Jobs>(watchdog);
  KeyedPool pool({.workers = 2}, key_of, Jobs::handler(jobs), observer);
  expect_all_sent(pool, {"a/1", "a/2", "b/1"});
  observer->gate.await_arrivals(1);
  jobs->log.await("end b/1");
  EXPECT_EQ(jobs->log.count("start a/2"), 0u);
  observer->gate.open();
  jobs->log.await("end a/2");
}

TEST(KeyedPool, AFullPoolRefusesAndTheJobStaysTheCallers) {
  const Watchdog watchdog;
  const auto jobs = std::make_shared<Jobs>(watchdog);
  KeyedPool pool({.workers = 1, .capacity = 1}, key_of, Jobs::handler(jobs));
  expect_all_sent(pool, {"held/1"});
  jobs->gate.await_arrivals(1);
  expect_all_sent(pool, {"held/2"});
  Job job{.id = "other/1", .payload = {std::byte{1}}};
  EXPECT_EQ(pool.try_submit(std::move(job)), SendStatus::kFull);
  job.ctx = Context().with_timeout(1ms);
  EXPECT_EQ(pool.submit(std::move(job)), SendStatus::kContextEnded);
  std::stop_source stop;
  job.ctx = Context(stop.get_token());
  {
    const auto canceler = watchdog.thread("canceler", [&] {
      watchdog.await("submit() to wait", [&] { return pool.metrics().blocked_submits == 1; });
      stop.request_stop();
    });
    EXPECT_EQ(pool.submit(std::move(job)), SendStatus::kContextEnded);
  }
  EXPECT_EQ(job.id, "other/1");
  EXPECT_EQ(job.payload.size(), 1u);
  const Metrics metrics = pool.metrics();
  EXPECT_EQ(metrics.rejected, 3u);
  EXPECT_EQ(metrics.submitted, 2u);
  jobs->gate.open();
}

TEST(KeyedPool, AJobThatComesAfterTheCloseIsRefusedAndCounts) {
  const Watchdog watchdog;
  KeyedPool pool({}, key_of, succeed);
  pool.close();
  EXPECT_EQ(pool.try_submit(Job{.id = "a/1"}), SendStatus::kClosed);
  EXPECT_EQ(pool.metrics().rejected, 1u);
}

TEST(KeyedPool, AnAcceptedJobLeavesAnEmptyOneBehind) {
  const Watchdog watchdog;
  KeyedPool pool({}, key_of, succeed, std::make_shared<Observer>());
  std::stop_source stop;
  for (const bool waits : {true, false}) {
    Job job{.id = "a/1", .payload = {std::byte{1}}, .submitted = Clock::now()};
    job.ctx = Context(stop.get_token()).with_timeout(1h);
    EXPECT_EQ(waits ? pool.submit(std::move(job)) : pool.try_submit(std::move(job)),
              SendStatus::kSent);
    EXPECT_EQ(job.id, "");
    EXPECT_TRUE(job.payload.empty());
    EXPECT_FALSE(job.ctx.can_end()) << "the context is still that of the job";
    EXPECT_EQ(job.submitted, Clock::time_point());
  }
}

TEST(KeyedPool, ABlockedSubmitEndsWhenThereIsRoomOrWhenThePoolCloses) {
  for (const bool closes : {false, true}) {
    const Watchdog watchdog;
    const auto jobs = std::make_shared<Jobs>(watchdog);
    KeyedPool pool({.workers = 1, .capacity = 1}, key_of, Jobs::handler(jobs));
    expect_all_sent(pool, {"held/1"});
    jobs->gate.await_arrivals(1);
    expect_all_sent(pool, {"held/2"});
    std::optional<SendStatus> status;
    {
      const auto producer = watchdog.thread("producer: submit to a full pool",
                                            [&] { status = pool.submit(Job{.id = "held/3"}); });
      watchdog.await("submit() to wait", [&] { return pool.metrics().blocked_submits == 1; });
      if (closes) pool.close();
      if (!closes) jobs->gate.open();
    }
    EXPECT_EQ(status, closes ? SendStatus::kClosed : SendStatus::kSent);
    jobs->gate.open();
  }
}

TEST(KeyedPool, AShutdownHandsBackWhatHasNotStartedInTheOrderOfEachKey) {
  const Watchdog watchdog;
  const auto jobs = std::make_shared<Jobs>(watchdog);
  KeyedPool pool({.workers = 1, .capacity = 4}, key_of, Jobs::handler(jobs));
  expect_all_sent(pool, {"held/1"});
  jobs->gate.await_arrivals(1);
  expect_all_sent(pool, {"held/2", "b/1", "held/3", "b/2"});
  const ShutdownReport report = pool.shutdown(kAbandonNow);
  EXPECT_EQ(report.outcome, ShutdownOutcome::kAbandoned);
  EXPECT_THAT(report.still_running, ElementsAre("held/1"));
  EXPECT_THAT(ids_of(report.not_started), ElementsAre("b/1", "b/2", "held/2", "held/3"));
  EXPECT_TRUE(pool.shutdown().not_started.empty());
  const Metrics metrics = pool.metrics();
  EXPECT_EQ(metrics.not_started, 4u);
  EXPECT_EQ(metrics.queued, 0u);
  EXPECT_EQ(metrics.submitted, 5u);
  EXPECT_EQ(pool.try_submit(Job{.id = "a/1"}), SendStatus::kClosed);
  jobs->gate.open();
}

TEST(KeyedPool, AShutdownHandsBackTheJobsThemselvesAndNoCopies) {
  const Watchdog watchdog;
  const auto jobs = std::make_shared<Jobs>(watchdog);
  KeyedPool pool({.workers = 1}, key_of, Jobs::handler(jobs));
  expect_all_sent(pool, {"held/1"});
  Job job{.id = "held/2", .payload = std::vector<std::byte>(1'000)};
  const std::byte* const payload = job.payload.data();
  ASSERT_EQ(pool.submit(std::move(job)), SendStatus::kSent);
  jobs->gate.await_arrivals(1);

  const ShutdownReport report = pool.shutdown(kAbandonNow);
  jobs->gate.open();
  ASSERT_THAT(ids_of(report.not_started), ElementsAre("held/2"));
  EXPECT_EQ(report.not_started[0].payload.data(), payload) << "the payload was copied";
}

TEST(KeyedPool, ACancelEndsTheDrain) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  KeyedPool pool({.workers = 1}, key_of, until_cancelled(log));
  expect_all_sent(pool, {"a/1", "a/2"});
  log->await("start a/1");
  std::stop_source cancel_now;
  const auto canceler = watchdog.thread("canceler", [&] { cancel_now.request_stop(); });
  const auto note = watchdog.waiting("test: shutdown without limits");
  const ShutdownReport report =
      pool.shutdown({.drain = kForever, .cancel = kForever}, cancel_now.get_token());
  EXPECT_EQ(report.outcome, ShutdownOutcome::kCancelled);
  EXPECT_THAT(ids_of(report.not_started), ElementsAre("a/2"));
}

TEST(KeyedPool, EveryReportSaysWhenThePoolWasClosed) {
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for shutdown() to return");
  KeyedPool pool({}, key_of, succeed);
  pool.close();
  const Clock::time_point closed = Clock::now();
  watchdog.await("the clock to advance", [&] { return Clock::now() > closed; });
  const ShutdownReport first = pool.shutdown(kPatient);
  EXPECT_LE(first.closed_at, closed) << "the time of the shutdown";
  watchdog.await("the clock to advance", [&, now = Clock::now()] { return Clock::now() > now; });
  EXPECT_EQ(pool.shutdown(kPatient).closed_at, first.closed_at) << "the second report";
}

TEST(KeyedPool, AJobCannotShutItsOwnPoolDown) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  std::optional<KeyedPool> pool;
  pool.emplace(WorkerPool::Options{}, key_of, [&](const Job&, const Context&) -> JobResult {
    try {
      (void)pool->shutdown({.drain = kForever});
    } catch (const std::logic_error& e) {
      log->add(e.what());
    }
    return {};
  });
  expect_all_sent(*pool, {"a/1", "a/2"});
  log->await("WorkerPool::shutdown: called by one of the pool's own jobs");
  EXPECT_EQ(pool->try_submit(Job{.id = "b/1"}), SendStatus::kSent);  // it is still open
  EXPECT_EQ(pool->shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
}

TEST(KeyedPool, ADestroyedPoolDropsWhatHasNotStarted) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  {
    KeyedPool pool({.workers = 1}, key_of, until_cancelled(log));
    expect_all_sent(pool, {"a/1", "a/2", "b/1"});
    log->await("start a/1");
  }
  EXPECT_THAT(log->events(), ElementsAre("start a/1", "cancelled a/1"));
}

TEST(KeyedPool, AJobMaySubmitWhileThePoolIsBeingDestroyed) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  KeyedPool* self = nullptr;
  {
    KeyedPool pool({.workers = 1}, key_of, [log, &self](const Job& job, const Context& ctx) {
      log->add("start " + job.id);
      (void)ctx.sleep_for(kForever);  // until the destructor cancels
      Job more{.id = "b/1"};
      const bool refused = self->try_submit(std::move(more)) == SendStatus::kClosed;
      log->add((refused ? "refused " : "accepted ") + more.id);
      return JobResult();
    });
    self = &pool;
    expect_all_sent(pool, {"a/1"});
    log->await("start a/1");
  }
  EXPECT_THAT(log->events(), ElementsAre("start a/1", "refused b/1"));
}

TEST(KeyedPool, AnAbandonedJobMayFinishAfterThePoolHasBeenDestroyed) {
  const Watchdog watchdog;
  const auto jobs = std::make_shared<Jobs>(watchdog);
  {
    KeyedPool pool({.workers = 1}, key_of, Jobs::handler(jobs));
    expect_all_sent(pool, {"held/1", "held/2"});
    jobs->gate.await_arrivals(1);
    (void)pool.shutdown(kAbandonNow);
  }
  jobs->gate.open();
  jobs->log.await("end held/1");
  EXPECT_EQ(jobs->log.count("start held/2"), 0u);
}

TEST(KeyedPool, RefusesAnEmptyFunctionForTheKeys) {
  EXPECT_THAT([] { KeyedPool pool({}, nullptr, succeed); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("key_of is empty")));
}

}  // namespace
}  // namespace worker_pool
