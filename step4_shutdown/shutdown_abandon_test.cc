// Abandon: shutdown() returns whatever a handler does, and names the jobs that still run.
//
// Each test opens its gate only after shutdown() has returned and the scope of the workers was
// left. If a stuck worker blocked either of them, the watchdog would end the test. An abandoned
// worker shares ownership of everything it uses: its gate and its observer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
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
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr ShutdownLimits kNoWait = {.drain = milliseconds(0), .cancel = milliseconds(0)};

// A handler that ignores everything until the gate opens.
JobHandler stuck_at(std::shared_ptr<Gate> gate) {
  return [gate = std::move(gate)](const Job&, const Context&) -> JobResult {
    gate->wait();
    return {};
  };
}

void send(Workers& pool, std::string id) {
  EXPECT_EQ(pool.jobs.send(Job{.id = id}), SendStatus::kSent) << "job " << id;
}

std::vector<std::string> ids(const std::vector<Job>& jobs) {
  std::vector<std::string> ids;
  for (const Job& job : jobs) ids.push_back(job.id);
  return ids;
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

TEST(ShutdownAbandon, ReturnsAndLeavesTheScopeWhileAHandlerIgnoresEverything) {
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
  std::optional<WaitGroup> group;
  {
    Workers pool = start_workers(1, stuck_at(gate), nullptr);
    group = pool.group;
    send(pool, "stuck");
    gate->await_arrivals(1);
    const ShutdownReport report =
        shut_down(watchdog, pool, {.drain = milliseconds(5), .cancel = milliseconds(5)});
    EXPECT_EQ(to_string(report.outcome), "abandoned");
    EXPECT_THAT(report.still_running, ElementsAre("stuck"));
    EXPECT_THAT(report.not_started, IsEmpty());
    EXPECT_THAT(pool.threads, IsEmpty());
  }
  EXPECT_GE(group->stats().members, 1u) << "the worker should still be stuck at its gate";
  release(*gate, *group, watchdog);
}

TEST(ShutdownAbandon, JobsBehindAStuckOneAreHandedBack) {
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
  Workers pool = start_workers(1, stuck_at(gate), nullptr);
  send(pool, "stuck");
  gate->await_arrivals(1);
  for (const char* id : {"a", "b", "c"}) send(pool, id);

  const ShutdownReport report = shut_down(watchdog, pool, kNoWait);
  EXPECT_THAT(ids(report.not_started), ElementsAre("a", "b", "c"));
  EXPECT_THAT(report.still_running, ElementsAre("stuck"));
  release(*gate, pool.group, watchdog);
  EXPECT_EQ(gate->arrived(), 1u) << "a job behind the stuck one was started";
}

TEST(ShutdownAbandon, NamesNoJobThatHasFinished) {
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck jobs may end");
  const auto handler = [gate](const Job& job, const Context&) -> JobResult {
    if (job.id.starts_with("stuck")) gate->wait();
    return {};
  };
  Workers pool = start_workers(4, handler, nullptr);
  for (const char* id : {"stuck 1", "quick 1", "stuck 2", "quick 2"}) send(pool, id);
  gate->await_arrivals(2);
  watchdog.await("the quick jobs to end", [&] {
    const ChannelStats jobs = pool.jobs.stats();
    return jobs.received == 4 && jobs.blocked_receivers == 2;
  });

  const ShutdownReport report = shut_down(watchdog, pool, kNoWait);
  EXPECT_EQ(to_string(report.outcome), "abandoned");
  EXPECT_THAT(report.still_running, UnorderedElementsAre("stuck 1", "stuck 2"));
  release(*gate, pool.group, watchdog);
}

// Starts workers that receive the job "held back" but do not name it before the gate opens, like a
// thread that loses its processor at that point.
StartThread held_back_at(std::shared_ptr<Gate> gate) {
  struct HoldsBack : Observer {
    const std::shared_ptr<Gate> gate;
    const std::shared_ptr<Observer> next;
    HoldsBack(std::shared_ptr<Gate> where, std::shared_ptr<Observer> who)
        : gate(std::move(where)), next(std::move(who)) {}
    void job_started(int worker, const Job& job) override {
      if (job.id == "held back") gate->wait();
      next->job_started(worker, job);
    }
    void job_finished(int worker, const Job& job, const JobResult& result) override {
      next->job_finished(worker, job, result);
    }
  };
  return [gate = std::move(gate)](int id, Receiver<Job> queue, WaitGroup::Token done,
                                  JobHandler handler, std::shared_ptr<Observer> observer,
                                  Context pool_ctx) {
    return start_thread(id, std::move(queue), std::move(done), std::move(handler),
                        std::make_shared<HoldsBack>(gate, std::move(observer)),
                        std::move(pool_ctx));
  };
}

// Such a receiver is not allowed, because shutdown() cannot tell its jobs from a worker's.
TEST(ShutdownAbandon, NamesNoMoreJobsThanThereAreWorkersIfAnotherReceiverTookSome) {
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
  auto [jobs, queue] = make_channel<Job>(2);
  ASSERT_EQ(jobs.try_send(Job{.id = "taken by the test"}), SendStatus::kSent);
  ASSERT_TRUE(queue.try_receive());
  Workers pool = start_workers(1, stuck_at(gate), nullptr, {std::move(jobs), queue});
  send(pool, "stuck");
  gate->await_arrivals(1);
  EXPECT_THAT(shut_down(watchdog, pool, kNoWait).still_running, ElementsAre("stuck"));
  release(*gate, pool.group, watchdog);
}

TEST(ShutdownAbandon, CountsAJobThatItsWorkerDoesNotName) {
  Watchdog watchdog;
  const auto received = std::make_shared<Gate>(watchdog, "the worker may name its job");
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck jobs may end");
  Workers pool = start_workers(2, stuck_at(gate), nullptr, 100, held_back_at(received));
  send(pool, "stuck");
  send(pool, "held back");
  gate->await_arrivals(1);
  received->await_arrivals(1);

  const ShutdownReport report = shut_down(watchdog, pool, kNoWait);
  EXPECT_EQ(to_string(report.outcome), "abandoned");
  EXPECT_THAT(report.still_running, UnorderedElementsAre("stuck", "?"));
  received->open();
  release(*gate, pool.group, watchdog);
  // As the header says of "?": the worker had already checked the context, so the job started after
  // the report was written.
  EXPECT_EQ(gate->arrived(), 2u);
}

TEST(ShutdownAbandon, WaitsForBothLimits) {
  constexpr ShutdownLimits kLimits = {.drain = milliseconds(10), .cancel = milliseconds(40)};
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
  Workers pool = start_workers(1, stuck_at(gate), nullptr);
  send(pool, "stuck");
  gate->await_arrivals(1);

  const Clock::time_point begin = Clock::now();
  EXPECT_EQ(to_string(shut_down(watchdog, pool, kLimits).outcome), "abandoned");
  EXPECT_GE(Clock::now() - begin, kLimits.drain + kLimits.cancel)
      << "the worker was abandoned too early";
  release(*gate, pool.group, watchdog);
}

TEST(ShutdownAbandon, TheReportSaysWhenEachStageBegan) {
  constexpr ShutdownLimits kLimits = {.drain = milliseconds(10), .cancel = milliseconds(20)};
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
  Workers pool = start_workers(1, stuck_at(gate), nullptr);
  send(pool, "stuck");
  gate->await_arrivals(1);

  const Clock::time_point begin = Clock::now();
  const ShutdownReport report = shut_down(watchdog, pool, kLimits);
  const Clock::time_point end = Clock::now();
  EXPECT_LE(begin, report.closed_at);
  ASSERT_TRUE(report.cancelled_at && report.abandoned_at);
  EXPECT_GE(*report.cancelled_at, report.closed_at + kLimits.drain);
  EXPECT_GE(*report.abandoned_at, *report.cancelled_at + kLimits.cancel);
  EXPECT_LE(*report.abandoned_at, end);
  release(*gate, pool.group, watchdog);
}

TEST(ShutdownAbandon, LimitsOfZeroOrLessDoNotWait) {
  for (const Clock::duration limit :
       {Clock::duration::min(), Clock::duration(-hours(1)), Clock::duration(0)}) {
    SCOPED_TRACE("limits of " + std::to_string(limit.count()) + " ns");
    Watchdog watchdog;
    const auto gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
    Workers pool = start_workers(1, stuck_at(gate), nullptr);
    send(pool, "stuck");
    gate->await_arrivals(1);
    const ShutdownReport report = shut_down(watchdog, pool, {.drain = limit, .cancel = limit});
    EXPECT_EQ(to_string(report.outcome), "abandoned");
    EXPECT_THAT(report.still_running, ElementsAre("stuck"));
    release(*gate, pool.group, watchdog);
  }
}

TEST(ShutdownAbandon, WakesABlockedSenderThatKeepsItsJob) {
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
  Workers pool = start_workers(1, stuck_at(gate), nullptr, 1);
  send(pool, "stuck");
  gate->await_arrivals(1);
  send(pool, "queued");

  Job job{.id = "too late"};
  auto status = SendStatus::kSent;
  auto sender = watchdog.thread("sender: for room in the queue",
                                [&] { status = pool.jobs.send(std::move(job)); });
  watchdog.await("the sender to block", [&] { return pool.jobs.stats().blocked_senders == 1; });
  const ShutdownReport report = shut_down(watchdog, pool, kNoWait);
  sender.join();

  EXPECT_EQ(status, SendStatus::kClosed) << "taking the queued jobs back must not make room";
  EXPECT_EQ(job.id, "too late") << "the caller keeps a refused job";
  EXPECT_THAT(ids(report.not_started), ElementsAre("queued"));
  release(*gate, pool.group, watchdog);
}

TEST(ShutdownAbandon, ASecondShutdownNamesTheJobsThatStillRun) {
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
  Workers pool = start_workers(1, stuck_at(gate), nullptr);
  send(pool, "stuck");
  gate->await_arrivals(1);
  send(pool, "queued");
  EXPECT_THAT(ids(shut_down(watchdog, pool, kNoWait).not_started), ElementsAre("queued"));

  const ShutdownReport again = shut_down(watchdog, pool, kNoWait);
  EXPECT_EQ(to_string(again.outcome), "abandoned");
  EXPECT_THAT(again.still_running, ElementsAre("stuck"));
  EXPECT_THAT(pool.threads, IsEmpty());
  EXPECT_THAT(again.not_started, IsEmpty()) << "a job was handed back twice";

  release(*gate, pool.group, watchdog);
  EXPECT_EQ(to_string(shut_down(watchdog, pool, kNoWait).outcome), "drained");
}

}  // namespace
}  // namespace worker_pool
