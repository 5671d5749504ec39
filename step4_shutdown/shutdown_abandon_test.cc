// Abandon: whatever a handler does, the shutdown comes to an end and names whoever is left.
//
// No test waits for "not blocked": each one opens its gate only after shutdown() has returned and
// the scope of the workers was left. Were either held up by a stuck worker, the watchdog would say
// so. What an abandoned worker uses it owns: gate, log and observer are shared with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
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
using ::testing::UnorderedElementsAre;

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr ShutdownLimits kNoPatience = {.drain = milliseconds(0), .cancel = milliseconds(0)};

constexpr auto kNever = Clock::time_point::max();

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

// shutdown(), with a note for the watchdog.
ShutdownReport shut_down(const Watchdog& watchdog, Workers& pool, ShutdownLimits limits = {}) {
  const auto note = watchdog.waiting("test: for shutdown() to return");
  return shutdown(pool, limits);
}

// Lets the abandoned workers go and waits until they have left, so that no test leaves a thread.
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

TEST(ShutdownAbandon, JobsBehindAStuckOneComeBack) {
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
  Workers pool = start_workers(1, stuck_at(gate), nullptr);
  send(pool, "stuck");
  gate->await_arrivals(1);
  for (const char* id : {"a", "b", "c"}) send(pool, id);

  const ShutdownReport report = shut_down(watchdog, pool, kNoPatience);
  EXPECT_THAT(ids(report.not_started), ElementsAre("a", "b", "c"));
  EXPECT_THAT(report.still_running, ElementsAre("stuck"));
  release(*gate, pool.group, watchdog);
  EXPECT_EQ(gate->arrived(), 1u) << "a job that came back was started all the same";
}

TEST(ShutdownAbandon, NamesNobodyWhoseJobIsDone) {
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

  const ShutdownReport report = shut_down(watchdog, pool, kNoPatience);
  EXPECT_EQ(to_string(report.outcome), "abandoned");
  EXPECT_THAT(report.still_running, UnorderedElementsAre("stuck 1", "stuck 2"));
  release(*gate, pool.group, watchdog);
}

TEST(ShutdownAbandon, NamesNobodyWhoHeardTheCancelAndLeft) {
  Watchdog watchdog;
  // A busy machine may not let the listening worker leave in time. Then it is rightly named, too,
  // and the next round gives it twice the time.
  bool left_in_time = false;
  for (auto limit = milliseconds(20); !left_in_time; limit *= 2) {
    const auto gate = std::make_shared<Gate>(watchdog, "the deaf job may end");
    const auto log = std::make_shared<EventLog>(watchdog);
    const auto handler = [gate, log](const Job& job, const Context& ctx) -> JobResult {
      log->add(job.id + " started");
      if (job.id == "deaf") gate->wait();
      (void)ctx.sleep_for(kForever);
      return {};
    };
    const auto first_left = std::make_shared<std::atomic<Clock::time_point>>(kNever);
    const auto start = [first_left](int id, Receiver<Job> jobs, WaitGroup::Token done,
                                    JobHandler handle, std::shared_ptr<Observer> observer,
                                    Context pool) {
      return std::jthread(
          [first_left, id, jobs, done = std::move(done), handle, observer, pool]() mutable {
            worker(id, jobs, std::move(done), std::move(handle), std::move(observer), pool);
            auto nobody_yet = kNever;
            first_left->compare_exchange_strong(nobody_yet, Clock::now());
          });
    };
    Workers pool = start_workers(2, handler, nullptr, 100, start);
    for (const std::string id : {"deaf", "listening"}) {
      send(pool, id);
      log->await(id + " started");
    }

    const Clock::time_point begin = Clock::now();
    const ShutdownReport report =
        shut_down(watchdog, pool, {.drain = milliseconds(0), .cancel = limit});
    EXPECT_EQ(to_string(report.outcome), "abandoned");
    left_in_time = first_left->load() < begin + limit;
    if (left_in_time) {
      EXPECT_THAT(report.still_running, ElementsAre("deaf"));
    }
    release(*gate, pool.group, watchdog);
  }
}

constexpr auto kAFewLooks = milliseconds(5);

// Workers that have received the job "held back", but do not say so before the gate opens: as does
// a thread that loses its processor at that point.
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
  return [gate = std::move(gate)](int id, Receiver<Job> jobs, WaitGroup::Token done,
                                  JobHandler handler, std::shared_ptr<Observer> observer,
                                  Context pool) {
    return start_thread(id, std::move(jobs), std::move(done), std::move(handler),
                        std::make_shared<HoldsBack>(gate, std::move(observer)), std::move(pool));
  };
}

TEST(ShutdownAbandon, NamesAJobThatItsWorkerHasOnlyJustReceived) {
  Watchdog watchdog;
  // The shutdown goes on looking for some 50 ms. On a busy machine the worker may be later than
  // that: then this was no test, and there is another round.
  for (bool said_so_in_time = false; !said_so_in_time;) {
    const auto received = std::make_shared<Gate>(watchdog, "the worker may say what it received");
    const auto gate = std::make_shared<Gate>(watchdog, "the stuck jobs may end");
    const auto said_so = std::make_shared<std::atomic<Clock::time_point>>(kNever);
    const auto handler = [gate, said_so](const Job& job, const Context&) -> JobResult {
      if (job.id == "held back") *said_so = Clock::now();
      gate->wait();
      return {};
    };
    Workers pool = start_workers(2, handler, nullptr, 100, held_back_at(received));
    send(pool, "stuck");
    send(pool, "held back");
    gate->await_arrivals(1);
    received->await_arrivals(1);

    const Clock::time_point begin = Clock::now();
    const std::stop_callback on_cancel(pool.stop.get_token(), [&] {
      watchdog.await("looks that see one of two",
                     [&] { return Clock::now() > begin + kAFewLooks; });
      received->open();
    });
    const ShutdownReport report = shut_down(watchdog, pool, kNoPatience);
    release(*gate, pool.group, watchdog);
    said_so_in_time = said_so->load() < begin + milliseconds(25);
    if (said_so_in_time) {
      EXPECT_EQ(to_string(report.outcome), "abandoned");
      EXPECT_THAT(report.still_running, UnorderedElementsAre("stuck", "held back"));
    }
  }
}

TEST(ShutdownAbandon, CountsAJobWhoseWorkerDoesNotSayWhatItReceived) {
  Watchdog watchdog;
  const auto received = std::make_shared<Gate>(watchdog, "the worker may say what it received");
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck jobs may end");
  Workers pool = start_workers(2, stuck_at(gate), nullptr, 100, held_back_at(received));
  send(pool, "stuck");
  send(pool, "held back");
  gate->await_arrivals(1);
  received->await_arrivals(1);

  const ShutdownReport report = shut_down(watchdog, pool, kNoPatience);
  EXPECT_EQ(to_string(report.outcome), "abandoned");
  EXPECT_THAT(report.still_running, UnorderedElementsAre("stuck", "?"));
  received->open();
  release(*gate, pool.group, watchdog);
  // As the header says of "?": it had passed its last look at the context, so it was started after
  // the report was written.
  EXPECT_EQ(gate->arrived(), 2u);
}

TEST(ShutdownAbandon, NamesNobodyWhenAllLeaveInTheEnd) {
  Watchdog watchdog;
  // Here, too: on a busy machine they may leave too late, and then there is another round.
  for (bool all_left = false; !all_left;) {
    const auto received = std::make_shared<Gate>(watchdog, "the worker may say what it received");
    const auto gate = std::make_shared<Gate>(watchdog, "the jobs may end");
    Workers pool = start_workers(2, stuck_at(gate), nullptr, 100, held_back_at(received));
    send(pool, "slow");
    send(pool, "held back");
    gate->await_arrivals(1);
    received->await_arrivals(1);

    const Clock::time_point begin = Clock::now();
    const std::stop_callback on_cancel(pool.stop.get_token(), [&] {
      watchdog.await("looks that see one of two",
                     [&] { return Clock::now() > begin + kAFewLooks; });
      gate->open();
      received->open();
    });
    const ShutdownReport report = shut_down(watchdog, pool, kNoPatience);
    all_left = report.outcome == ShutdownOutcome::kCancelled;
    if (all_left) {
      EXPECT_THAT(report.still_running, IsEmpty());
    }
    release(*gate, pool.group, watchdog);
  }
}

TEST(ShutdownAbandon, ComesNotBeforeBothLimits) {
  constexpr ShutdownLimits kLimits = {.drain = milliseconds(10), .cancel = milliseconds(40)};
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
  Workers pool = start_workers(1, stuck_at(gate), nullptr);
  send(pool, "stuck");
  gate->await_arrivals(1);

  const Clock::time_point begin = Clock::now();
  EXPECT_EQ(to_string(shut_down(watchdog, pool, kLimits).outcome), "abandoned");
  EXPECT_GE(Clock::now() - begin, kLimits.drain + kLimits.cancel)
      << "the worker was given up too early";
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

TEST(ShutdownAbandon, WakesABlockedSenderWhoKeepsItsJob) {
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
  const ShutdownReport report = shut_down(watchdog, pool, kNoPatience);
  sender.join();

  EXPECT_EQ(status, SendStatus::kClosed) << "taking back what was queued must not make room";
  EXPECT_EQ(job.id, "too late") << "a job that was refused is still the caller's";
  EXPECT_THAT(ids(report.not_started), ElementsAre("queued"));
  release(*gate, pool.group, watchdog);
}

TEST(ShutdownAbandon, ASecondShutdownNamesThoseWhoAreStillThere) {
  Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
  Workers pool = start_workers(1, stuck_at(gate), nullptr);
  send(pool, "stuck");
  gate->await_arrivals(1);
  send(pool, "queued");
  EXPECT_THAT(ids(shut_down(watchdog, pool, kNoPatience).not_started), ElementsAre("queued"));

  const ShutdownReport again = shut_down(watchdog, pool, kNoPatience);
  EXPECT_EQ(to_string(again.outcome), "abandoned");
  EXPECT_THAT(again.still_running, ElementsAre("stuck"));
  EXPECT_THAT(again.not_started, IsEmpty()) << "a job came back twice";

  release(*gate, pool.group, watchdog);
  EXPECT_EQ(to_string(shut_down(watchdog, pool, kNoPatience).outcome), "drained");
}

}  // namespace
}  // namespace worker_pool
