// The places where a worker can be stuck: a stop callback, the observer, and the handler's
// destructor. Also: an abandoned worker that finishes late uses nothing that was destroyed.
//
// As in shutdown_abandon_test.cc, each gate opens only after shutdown() has returned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"
#include "step3_dispatcher/dispatcher.h"
#include "step4_shutdown/shutdown.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using std::chrono::milliseconds;

constexpr ShutdownLimits kNoWait = {.drain = milliseconds(0), .cancel = milliseconds(0)};

JobResult do_nothing(const Job&, const Context&) { return {}; }

void send(Workers& pool, std::string id) {
  EXPECT_EQ(pool.jobs.send(Job{.id = id}), SendStatus::kSent) << "job " << id;
}

// shutdown() under a note for the watchdog.
ShutdownReport shut_down(const Watchdog& watchdog, Workers& pool, ShutdownLimits limits = {}) {
  const auto note = watchdog.waiting("test: for shutdown() to return");
  return shutdown(pool, limits);
}

// Opens the gate and waits until the abandoned workers have left, so that no test leaves a thread
// behind.
void release(Gate& gate, const WaitGroup& group, const Watchdog& watchdog) {
  const auto note = watchdog.waiting("test: for the abandoned workers to leave");
  gate.open();
  group.wait();
}

TEST(ShutdownStuck, InAStopCallback) {
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stop callback may return");
  const auto log = std::make_shared<EventLog>(watchdog);
  const auto handler = [gate, log](const Job&, const Context& ctx) -> JobResult {
    const std::stop_callback blocks(ctx.stop_token(), [gate] { gate->wait(); });
    log->add("registered");
    gate->await_arrivals(1);
    return {};  // ~stop_callback then waits for the callback
  };
  Workers pool = start_workers(1, handler, nullptr);
  send(pool, "stuck");
  log->await("registered");

  const ShutdownReport report = shut_down(watchdog, pool, kNoWait);
  EXPECT_EQ(to_string(report.outcome), "abandoned");
  EXPECT_THAT(report.still_running, ElementsAre("stuck"));
  release(*gate, pool.group, watchdog);
  EXPECT_EQ(gate->arrived(), 1u) << "the callback did not run";
}

// The worker leaves. Only the thread that requests the stop is stuck.
TEST(ShutdownStuck, InAStopCallbackOfTheOwner) {
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stop callback may return");
  const auto log = std::make_shared<EventLog>(watchdog);
  const auto handler = [log](const Job&, const Context& ctx) -> JobResult {
    log->add("started");
    (void)ctx.sleep_for(kForever);
    return {};
  };
  Workers pool = start_workers(1, handler, nullptr);
  const std::stop_callback blocks(pool.stop.get_token(), [gate] { gate->wait(); });
  send(pool, "a");
  log->await("started");
  EXPECT_EQ(to_string(shut_down(watchdog, pool, kNoWait).outcome), "abandoned");
  gate->await_arrivals(1);
  watchdog.await("the worker to leave", [&] { return pool.group.stats().members == 1; });

  const ShutdownReport report = shut_down(watchdog, pool, kNoWait);
  EXPECT_EQ(to_string(report.outcome), "abandoned");
  EXPECT_THAT(report.still_running, IsEmpty());
  EXPECT_THAT(report.not_started, IsEmpty());
  EXPECT_EQ(pool.group.stats().members, 1u) << "only the thread that requests the stop is left";
  release(*gate, pool.group, watchdog);
}

struct StuckAtStart : Observer {
  const std::shared_ptr<Gate> gate;
  explicit StuckAtStart(std::shared_ptr<Gate> where) : gate(std::move(where)) {}
  void job_started(int, const Job&) override { gate->wait(); }
};

struct StuckAtEnd : Observer {
  const std::shared_ptr<Gate> gate;
  explicit StuckAtEnd(std::shared_ptr<Gate> where) : gate(std::move(where)) {}
  void job_finished(int, const Job&, const JobResult&) override { gate->wait(); }
};

template <class StuckObserver>
void expect_named(const Watchdog& watchdog) {
  const auto gate = std::make_shared<Gate>(watchdog, "the observer may return");
  Workers pool = start_workers(1, do_nothing, std::make_shared<StuckObserver>(gate));
  send(pool, "stuck");
  gate->await_arrivals(1);
  const ShutdownReport report = shut_down(watchdog, pool, kNoWait);
  EXPECT_EQ(to_string(report.outcome), "abandoned");
  EXPECT_THAT(report.still_running, ElementsAre("stuck"));
  EXPECT_THAT(report.not_started, IsEmpty());
  release(*gate, pool.group, watchdog);
}

TEST(ShutdownStuck, InTheObserverWhenAJobStarts) {
  Watchdog watchdog;
  expect_named<StuckAtStart>(watchdog);
}

TEST(ShutdownStuck, InTheObserverWhenAJobFinishes) {
  Watchdog watchdog;
  expect_named<StuckAtEnd>(watchdog);
}

// There is no job to name, but shutdown() returns and reports that a thread is left.
TEST(ShutdownStuck, InTheDestructorOfTheHandlerAfterTheLastJob) {
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the handler's state may be destroyed");
  std::shared_ptr<void> state(nullptr, [gate](void*) { gate->wait(); });
  Workers pool = start_workers(
      1, [state = std::move(state)](const Job&, const Context&) -> JobResult { return {}; },
      nullptr);
  send(pool, "a");
  const ShutdownReport report =
      shut_down(watchdog, pool, {.drain = milliseconds(5), .cancel = milliseconds(5)});
  EXPECT_EQ(to_string(report.outcome), "abandoned");
  EXPECT_THAT(pool.threads, IsEmpty());
  release(*gate, pool.group, watchdog);
}

struct LogResults : Observer {
  const std::shared_ptr<EventLog> log;
  explicit LogResults(std::shared_ptr<EventLog> where) : log(std::move(where)) {}
  void job_finished(int, const Job& job, const JobResult& result) override {
    log->add(job.id + " " + (result ? "succeeded" : result.error().message));
  }
};

// The worker is the last owner of everything it uses, except the gate and the log. The sanitizers
// check that none of it is destroyed too early.
TEST(ShutdownStuck, AnAbandonedWorkerThatFinishesLateUsesNothingThatWasDestroyed) {
  Watchdog watchdog;
  for (int round = 1; round <= 5; ++round) {
    const auto gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
    const auto log = std::make_shared<EventLog>(watchdog);
    std::optional<WaitGroup> group;
    std::weak_ptr<Observer> observer_of_worker;
    std::weak_ptr<std::string> state_of_handler;
    {
      auto observer = std::make_shared<LogResults>(log);
      auto state = std::make_shared<std::string>("a string that is too long for its own object");
      observer_of_worker = observer;
      state_of_handler = state;
      auto handler = [gate, state = std::move(state)](const Job& job,
                                                      const Context& ctx) -> JobResult {
        gate->wait();
        const bool slept = ctx.sleep_for(kForever);  // until the cancel
        const bool all_intact = job.payload == std::vector(1'000, std::byte{42}) &&
                                state->starts_with("a string") && !slept;
        return all_intact ? JobResult()
                          : std::unexpected(JobError{.message = "something it owns was destroyed"});
      };
      const auto pool =
          std::make_unique<Workers>(start_workers(1, std::move(handler), std::move(observer)));
      group = pool->group;
      Job job{.id = "stuck", .payload = std::vector(1'000, std::byte{42})};
      EXPECT_EQ(pool->jobs.send(std::move(job)), SendStatus::kSent);
      gate->await_arrivals(1);
      EXPECT_THAT(shut_down(watchdog, *pool, kNoWait).still_running, ElementsAre("stuck"));
    }
    EXPECT_THAT(log->events(), IsEmpty()) << "the job finished while its gate was closed";
    EXPECT_FALSE(observer_of_worker.expired());
    EXPECT_FALSE(state_of_handler.expired());

    release(*gate, *group, watchdog);
    EXPECT_THAT(log->events(), ElementsAre("stuck succeeded"));
    EXPECT_TRUE(observer_of_worker.expired())
        << "the worker left, but its observer was not destroyed";
    EXPECT_TRUE(state_of_handler.expired()) << "the worker left, but its handler was not destroyed";
  }
}

}  // namespace
}  // namespace worker_pool
