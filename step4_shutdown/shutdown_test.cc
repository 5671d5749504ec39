// Drain: every accepted job finishes. Also: which threads may call shutdown(), sending during and
// after a shutdown, and the second call.
#include "step4_shutdown/shutdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"
#include "step3_dispatcher/dispatcher.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ShutdownLimits kNoLimit = {.drain = kForever, .cancel = kForever};

void send(Workers& pool, std::string id) {
  EXPECT_EQ(pool.jobs.send(Job{.id = id}), SendStatus::kSent) << "job " << id;
}

JobResult do_nothing(const Job&, const Context&) { return {}; }

// shutdown() under a note for the watchdog.
ShutdownReport shut_down(const Watchdog& watchdog, Workers& pool, ShutdownLimits limits = {}) {
  const auto note = watchdog.waiting("test: for shutdown() to return");
  return shutdown(pool, limits);
}

void expect_drained(const ShutdownReport& report) {
  EXPECT_EQ(to_string(report.outcome), "drained");
  EXPECT_NE(report.closed_at, Clock::time_point());
  EXPECT_EQ(report.cancelled_at, std::nullopt);
  EXPECT_EQ(report.abandoned_at, std::nullopt);
  EXPECT_EQ(report.not_started.size(), 0u);
  EXPECT_THAT(report.still_running, IsEmpty());
}

// --- Drain ----------------------------------------------------------------------------------

TEST(Shutdown, DefaultLimitsAreFiveSecondsAndOne) {
  EXPECT_EQ(ShutdownLimits{}.drain, seconds(5));
  EXPECT_EQ(ShutdownLimits{}.cancel, seconds(1));
}

TEST(Shutdown, DrainDoesEveryQueuedJob) {
  Watchdog watchdog;
  Gate gate(watchdog, "the jobs may end");
  EventLog log(watchdog);
  const auto handler = [&](const Job&, const Context& ctx) -> JobResult {
    gate.wait();
    log.add(ctx.err() ? "cancelled" : "done");
    return {};
  };
  Workers pool = start_workers(2, handler, nullptr);
  for (int i = 1; i <= 20; ++i) send(pool, std::to_string(i));
  gate.await_arrivals(2);
  EXPECT_EQ(pool.jobs.stats().queued, 18u) << "no job finishes before the gate opens";
  gate.open();

  expect_drained(shut_down(watchdog, pool));
  EXPECT_EQ(log.count("done"), 20u);
}

TEST(Shutdown, TakesWorkersThatAreNotUsedAfterwards) {
  const Watchdog watchdog;
  const auto handler = [](const Job&, const Context&) -> JobResult { return {}; };
  expect_drained(shutdown(start_workers(2, handler, nullptr)));

  Workers pool = start_workers(1, handler, nullptr);
  std::stop_source now;
  now.request_stop();
  const ShutdownLimits limits{.drain = hours(1), .cancel = hours(1)};
  expect_drained(shutdown(std::move(pool), limits, now.get_token()));
}

TEST(Shutdown, DrainWaitsForARunningJobAsLongAsItMay) {
  Watchdog watchdog;
  Gate gate(watchdog, "the job may end");
  EventLog log(watchdog);
  const auto handler = [&](const Job&, const Context& ctx) -> JobResult {
    gate.wait();
    log.add(ctx.err() ? "cancelled" : "done");
    return {};
  };
  Workers pool = start_workers(1, handler, nullptr);
  send(pool, "a");
  gate.await_arrivals(1);

  const WaitGroup group = pool.group;
  const auto opener = watchdog.thread("opener: for the shutdown to wait", [&] {
    watchdog.await("shutdown() to wait", [&] { return group.stats().waiting == 1; });
    gate.open();
  });
  expect_drained(shut_down(watchdog, pool, kNoLimit));
  EXPECT_THAT(log.events(), ElementsAre("done"));
}

// Whether `jobs_done` jobs were received and every worker waits for the next one.
bool idle_after(const Workers& pool, std::size_t jobs_done) {
  const ChannelStats jobs = pool.jobs.stats();
  return jobs.received == jobs_done && jobs.blocked_receivers == pool.threads.size();
}

// No job is left, so even a limit of zero cannot turn the drain into a cancel.
TEST(Shutdown, IdleWorkersAreDrainedWhateverTheLimit) {
  for (const Clock::duration limit :
       {Clock::duration::min(), Clock::duration(-hours(1)), Clock::duration(0), kForever}) {
    SCOPED_TRACE("a drain limit of " + std::to_string(limit.count()) + " ns");
    for (int round = 1; round <= 20; ++round) {  // because how fast idle workers leave varies
      Watchdog watchdog;
      Workers pool = start_workers(3, do_nothing, nullptr);
      send(pool, "a");
      watchdog.await("three idle workers", [&] { return idle_after(pool, 1); });
      expect_drained(shut_down(watchdog, pool, {.drain = limit, .cancel = kForever}));
    }
  }
}

// Every job has finished, so there is nothing to cancel. The worker is only slow to leave.
TEST(Shutdown, AWorkerThatLeavesAfterTheLimitStillCountsAsDrained) {
  constexpr auto kDrain = milliseconds(5);
  Watchdog watchdog;
  Gate gate(watchdog, "the handler's state may be destroyed");
  std::shared_ptr<void> state(nullptr, [&](void*) { gate.wait(); });
  // Not from a variable: libc++'s JobHandler would leave a copy of the state behind when it is
  // moved.
  Workers pool = start_workers(
      1, [state = std::move(state)](const Job&, const Context&) -> JobResult { return {}; },
      nullptr);
  send(pool, "a");
  watchdog.await("an idle worker", [&] { return idle_after(pool, 1); });

  const auto opener = watchdog.thread("opener: for the limit to expire", [&] {
    gate.await_arrivals(1);
    const Clock::time_point expired = Clock::now() + 4 * kDrain;
    watchdog.await("the limit to expire", [&] { return Clock::now() > expired; });
    gate.open();
  });
  expect_drained(shut_down(watchdog, pool, {.drain = kDrain, .cancel = kForever}));
}

// --- The callers that are refused -----------------------------------------------------------

constexpr ShutdownLimits kNoWait = {.drain = seconds(0), .cancel = seconds(0)};

// What shutdown() throws; "nothing, but: OUTCOME" if it returns.
std::string refusal(Workers& pool) {
  try {
    return "nothing, but: " + std::string(to_string(shutdown(pool, kNoWait).outcome));
  } catch (const std::logic_error& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("not a logic_error, but: ") + e.what();
  }
}

TEST(Shutdown, CalledByAJobIsRefusedAndChangesNothing) {
  Watchdog watchdog;
  EventLog log(watchdog);
  std::optional<Workers> pool;
  const auto handler = [&](const Job& job, const Context& ctx) -> JobResult {
    if (job.id == "greedy") log.add(refusal(*pool));
    log.add(job.id + (ctx.err() ? " cancelled" : " done"));
    return {};
  };
  pool.emplace(start_workers(2, handler, nullptr));
  send(*pool, "greedy");
  log.await("greedy done");
  EXPECT_THAT(log.events(),
              ElementsAre(AllOf(StartsWith("shutdown: "), HasSubstr("own jobs")), "greedy done"));

  EXPECT_EQ(pool->threads.size(), 2u);
  EXPECT_EQ(pool->group.stats().members, 2u);
  EXPECT_FALSE(pool->stop.stop_requested());
  send(*pool, "next");
  expect_drained(shut_down(watchdog, *pool));
  EXPECT_EQ(log.count("next done"), 1u);
}

TEST(Shutdown, CalledByAnObserverOfAJobIsRefused) {
  struct Greedy : Observer {
    std::function<std::string()> call;
    std::string at_start, at_end;
    void job_started(int, const Job&) override { at_start = call(); }
    void job_finished(int, const Job&, const JobResult&) override { at_end = call(); }
  };
  Watchdog watchdog;
  const auto observer = std::make_shared<Greedy>();
  Workers pool = start_workers(1, do_nothing, observer);
  observer->call = [&] { return refusal(pool); };
  send(pool, "a");
  watchdog.await("the job to end", [&] { return idle_after(pool, 1); });

  expect_drained(shut_down(watchdog, pool));
  EXPECT_THAT(observer->at_start, AllOf(StartsWith("shutdown: "), HasSubstr("own jobs")));
  EXPECT_THAT(observer->at_end, AllOf(StartsWith("shutdown: "), HasSubstr("own jobs")));
}

// Its thread is no longer one of pool.threads.
TEST(Shutdown, CalledByAnAbandonedJobIsRefused) {
  Watchdog watchdog;
  Gate gate(watchdog, "the job may go on");
  EventLog log(watchdog);
  std::optional<Workers> pool;
  const auto handler = [&](const Job&, const Context&) -> JobResult {
    gate.wait();
    log.add(refusal(*pool));
    return {};
  };
  pool.emplace(start_workers(1, handler, nullptr));
  send(*pool, "a");
  gate.await_arrivals(1);
  EXPECT_EQ(to_string(shut_down(watchdog, *pool, kNoWait).outcome), "abandoned");

  gate.open();
  const auto note = watchdog.waiting("test: for the abandoned worker to leave");
  pool->group.wait();
  EXPECT_THAT(log.events(), ElementsAre(AllOf(StartsWith("shutdown: "), HasSubstr("own jobs"))));
}

// Its thread is in no job.
TEST(Shutdown, CalledByTheDestructorOfTheHandlerIsRefused) {
  Watchdog watchdog;
  EventLog log(watchdog);
  std::optional<Workers> pool;
  std::shared_ptr<void> state(nullptr, [&](void*) { log.add(refusal(*pool)); });
  pool.emplace(start_workers(
      1, [state = std::move(state)](const Job&, const Context&) -> JobResult { return {}; },
      nullptr));
  pool->jobs.close();
  const auto note = watchdog.waiting("test: for the worker to leave");
  pool->group.wait();
  EXPECT_THAT(log.events(), ElementsAre(AllOf(StartsWith("shutdown: "), HasSubstr("own jobs"))));
}

TEST(Shutdown, OfMovedFromWorkersIsRefused) {
  Watchdog watchdog;
  Workers first = start_workers(1, do_nothing, nullptr);
  Workers pool = std::move(first);
  EXPECT_THAT(refusal(first), AllOf(StartsWith("shutdown: "), HasSubstr("moved")));
  send(pool, "a");
  expect_drained(shut_down(watchdog, pool, kNoLimit));
}

TEST(Shutdown, AJobMayShutDownAnotherPool) {
  Watchdog watchdog;
  EventLog log(watchdog);
  Workers other = start_workers(1, do_nothing, nullptr);
  const auto handler = [&](const Job&, const Context&) -> JobResult {
    log.add(std::string(to_string(shutdown(other, kNoLimit).outcome)));
    return {};
  };
  Workers pool = start_workers(1, handler, nullptr);
  send(pool, "a");
  expect_drained(shut_down(watchdog, pool, kNoLimit));
  EXPECT_THAT(log.events(), ElementsAre("drained"));
}

// --- Sending during and after a shutdown ----------------------------------------------------

TEST(Shutdown, WakesABlockedSenderThatKeepsItsJob) {
  Watchdog watchdog;
  Gate gate(watchdog, "the job may end");
  const auto handler = [&](const Job&, const Context&) -> JobResult {
    gate.wait();
    return {};
  };
  Workers pool = start_workers(1, handler, nullptr, 1);
  send(pool, "running");
  gate.await_arrivals(1);
  send(pool, "queued");

  Job job{.id = "too late"};
  auto status = SendStatus::kSent;
  auto sender = watchdog.thread("sender: for room in the queue", [&] {
    status = pool.jobs.send(std::move(job));
    gate.open();  // shutdown() returns only after this, so it woke the sender first
  });
  watchdog.await("the sender to block", [&] { return pool.jobs.stats().blocked_senders == 1; });

  expect_drained(shut_down(watchdog, pool, kNoLimit));
  sender.join();
  EXPECT_EQ(status, SendStatus::kClosed);
  EXPECT_EQ(job.id, "too late") << "the caller keeps a refused job";
}

TEST(Shutdown, SendingAfterwardsIsRefusedAndTheJobKept) {
  Watchdog watchdog;
  Workers pool = start_workers(1, do_nothing, nullptr);
  expect_drained(shut_down(watchdog, pool));
  Job job{.id = "too late"};
  EXPECT_EQ(pool.jobs.send(std::move(job)), SendStatus::kClosed);
  EXPECT_EQ(pool.jobs.try_send(std::move(job)), SendStatus::kClosed);
  EXPECT_EQ(pool.jobs.send_for(std::move(job), hours(1)), SendStatus::kClosed);
  EXPECT_EQ(job.id, "too late");
}

// --- The state afterwards -------------------------------------------------------------------

// Starts threads that exit only some time after their worker has left the group.
StartThread slow_to_end(Gate& gate, EventLog& log) {
  return [&](int id, Receiver<Job> queue, WaitGroup::Token done, JobHandler handler,
             std::shared_ptr<Observer> observer, Context pool_ctx) {
    return std::jthread(
        [&, id, queue, done = std::move(done), handler, observer, pool_ctx]() mutable {
          worker(id, queue, std::move(done), std::move(handler), std::move(observer), pool_ctx);
          gate.wait();
          log.add("thread ended");
        });
  };
}

TEST(Shutdown, LeavesNoThreadWhenDrained) {
  Watchdog watchdog;
  Gate all_have_left(watchdog, "all workers have left");
  EventLog log(watchdog);
  Workers pool = start_workers(3, do_nothing, nullptr, 100, slow_to_end(all_have_left, log));
  const auto opener = watchdog.thread("opener: for the workers to leave", [&] {
    all_have_left.await_arrivals(3);
    all_have_left.open();
  });
  expect_drained(shut_down(watchdog, pool, kNoLimit));
  EXPECT_EQ(log.count("thread ended"), 3u) << "not joined";
  EXPECT_THAT(pool.threads, IsEmpty());
  EXPECT_EQ(pool.group.stats().members, 0u);
}

TEST(Shutdown, LeavesNoThreadWhenCancelled) {
  Watchdog watchdog;
  Gate all_have_left(watchdog, "all workers have left");
  EventLog log(watchdog);
  const auto handler = [&](const Job&, const Context& ctx) -> JobResult {
    log.add("job started");
    (void)ctx.sleep_for(kForever);
    return {};
  };
  Workers pool = start_workers(3, handler, nullptr, 100, slow_to_end(all_have_left, log));
  send(pool, "a");
  log.await("job started");
  const auto opener = watchdog.thread("opener: for the workers to leave", [&] {
    all_have_left.await_arrivals(3);
    all_have_left.open();
  });
  const ShutdownReport report =
      shut_down(watchdog, pool, {.drain = seconds(0), .cancel = kForever});
  EXPECT_EQ(to_string(report.outcome), "cancelled");
  EXPECT_EQ(log.count("thread ended"), 3u) << "not joined";
  EXPECT_THAT(pool.threads, IsEmpty());
  EXPECT_EQ(pool.group.stats().members, 0u);
}

TEST(Shutdown, ASecondShutdownHasNothingToDo) {
  Watchdog watchdog;
  Workers pool = start_workers(2, do_nothing, nullptr);
  send(pool, "a");
  for (const char* call : {"the first call", "the second call"}) {
    SCOPED_TRACE(call);
    expect_drained(shut_down(watchdog, pool, kNoLimit));
    EXPECT_THAT(pool.threads, IsEmpty());
    EXPECT_EQ(pool.group.stats().members, 0u);
    EXPECT_EQ(pool.jobs.try_send(Job{}), SendStatus::kClosed);
  }
}

}  // namespace
}  // namespace worker_pool
