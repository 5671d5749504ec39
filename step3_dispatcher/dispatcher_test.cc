// What running workers do: how many jobs run at a time, in which order, and that each runs once.
#include "step3_dispatcher/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

static_assert(std::is_nothrow_move_constructible_v<Workers>);
static_assert(!std::is_copy_constructible_v<Workers>);
static_assert(!std::is_move_assignable_v<Workers>, "old jobs could still use what it overwrites");

void send(Workers& pool, std::string id) {
  EXPECT_EQ(pool.jobs.send(Job{.id = id}), SendStatus::kSent) << "job " << id;
}

// A handler that logs the id of each job.
JobHandler log_id(EventLog& log) {
  return [&log](const Job& job, const Context&) -> JobResult {
    log.add(job.id);
    return {};
  };
}

// A handler that holds each job at the gate.
JobHandler wait_at(Gate& gate) {
  return [&gate](const Job&, const Context&) -> JobResult {
    gate.wait();
    return {};
  };
}

// --- The order of its members ---------------------------------------------------------------

TEST(Workers, DeclaresItsThreadsLastSoThatTheyAreJoinedFirst) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: to leave the scope of the workers");
  const JobHandler handler = [](const Job&, const Context&) -> JobResult { return {}; };
  const Workers pool = start_workers(1, handler, nullptr);
  const auto& [stop, group, running, jobs, last] = pool;
  EXPECT_EQ(static_cast<const void*>(&last), static_cast<const void*>(&pool.threads));
}

// --- How many at a time ---------------------------------------------------------------------

TEST(Dispatcher, RunsNJobsAtATimeAndNeverMore) {
  Watchdog watchdog;
  Gate gate(watchdog, "the jobs may end");
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  {
    const JobHandler handler = [&](const Job&, const Context&) -> JobResult {
      const int now = ++running;
      for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
      }
      gate.wait();
      --running;
      return {};
    };
    Workers pool = start_workers(3, handler, nullptr);
    for (int i = 1; i <= 12; ++i) send(pool, std::to_string(i));

    gate.await_arrivals(3);
    EXPECT_EQ(pool.jobs.stats().queued, 9u) << "3 of 12 jobs run, so 9 wait";
    EXPECT_EQ(pool.group.stats().members, 3u) << "the group has one member for each worker";
    gate.open();
  }
  EXPECT_EQ(most, 3);
}

TEST(Dispatcher, HasRoomForAHundredWaitingJobsUnlessToldOtherwise) {
  Watchdog watchdog;
  Gate gate(watchdog, "the jobs may end");
  Workers pool = start_workers(2, wait_at(gate), nullptr);
  send(pool, "first");
  send(pool, "second");
  gate.await_arrivals(2);

  for (int i = 1; i <= 100; ++i) {
    EXPECT_EQ(pool.jobs.try_send(Job{}), SendStatus::kSent) << "waiting job " << i << " of 100";
  }
  EXPECT_EQ(pool.jobs.try_send(Job{}), SendStatus::kFull) << "waiting job 101";
  gate.open();
}

TEST(Dispatcher, HasExactlyTheRoomItIsGiven) {
  for (const std::size_t capacity : {1u, 2u, 7u}) {
    SCOPED_TRACE("capacity " + std::to_string(capacity));
    Watchdog watchdog;
    Gate gate(watchdog, "the job may end");
    Workers pool = start_workers(1, wait_at(gate), nullptr, capacity);
    send(pool, "running");
    gate.await_arrivals(1);

    for (std::size_t i = 1; i <= capacity; ++i) {
      EXPECT_EQ(pool.jobs.try_send(Job{}), SendStatus::kSent) << "waiting job " << i;
    }
    EXPECT_EQ(pool.jobs.try_send(Job{}), SendStatus::kFull) << "one job more than the capacity";
    gate.open();
  }
}

// --- The workers and their channel ----------------------------------------------------------

TEST(Dispatcher, StartsTheWorkersOnTheChannelItIsGiven) {
  Watchdog watchdog;
  EventLog log(watchdog);
  auto [jobs, queue] = make_channel<Job>(1);
  EXPECT_EQ(jobs.try_send(Job{.id = "sent before"}), SendStatus::kSent);
  {
    Workers pool = start_workers(1, log_id(log), nullptr, {std::move(jobs), queue});
    send(pool, "sent after");
  }
  EXPECT_THAT(log.events(), ElementsAre("sent before", "sent after"));
}

TEST(Dispatcher, ClosesTheChannelItIsGivenWhenItCannotStart) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for the channel to be closed");
  auto [jobs, queue] = make_channel<Job>(1);
  EXPECT_THROW((void)start_workers(0, {}, nullptr, {std::move(jobs), queue}),
               std::invalid_argument);
  EXPECT_EQ(queue.receive(), std::nullopt) << "the channel is still open";
}

TEST(Dispatcher, NumbersTheWorkersFromOne) {
  Watchdog watchdog;
  Gate gate(watchdog, "the jobs may end");
  EventLog log(watchdog);
  struct WhoStarted : Observer {
    EventLog& log;
    explicit WhoStarted(EventLog& where) : log(where) {}
    void job_started(int worker, const Job&) override { log.add(std::to_string(worker)); }
  };
  {
    Workers pool = start_workers(3, wait_at(gate), std::make_shared<WhoStarted>(log));
    for (int i = 1; i <= 3; ++i) send(pool, std::to_string(i));
    gate.await_arrivals(3);  // one job for each worker
    gate.open();
  }
  EXPECT_THAT(log.events(), UnorderedElementsAre("1", "2", "3"));
}

TEST(Dispatcher, GivesEachWorkerItsOwnCopyOfTheHandler) {
  Watchdog watchdog;
  Gate gate(watchdog, "the jobs may end");
  EventLog log(watchdog);
  {
    // `calls` needs no lock: each worker has its own copy of the handler, and counts its own calls.
    const auto count = [&, calls = 0](const Job&, const Context&) mutable -> JobResult {
      log.add("call " + std::to_string(++calls));
      gate.wait();
      return {};
    };
    Workers pool = start_workers(3, count, nullptr);
    for (int i = 1; i <= 3; ++i) send(pool, std::to_string(i));
    gate.await_arrivals(3);  // one job for each worker
    gate.open();
  }
  EXPECT_THAT(log.events(), ElementsAre("call 1", "call 1", "call 1"));
}

TEST(Dispatcher, StartsThreadsTheWayItIsTold) {
  Watchdog watchdog;
  EventLog started(watchdog), handled(watchdog);
  const StartThread start = [&](int id, Receiver<Job> queue, WaitGroup::Token done,
                                JobHandler handler, std::shared_ptr<Observer> observer,
                                Context pool_ctx) {
    started.add("thread " + std::to_string(id));
    return start_thread(id, std::move(queue), std::move(done), std::move(handler),
                        std::move(observer), std::move(pool_ctx));
  };
  {
    Workers pool = start_workers(3, log_id(handled), nullptr, 100, start);
    EXPECT_THAT(started.events(), ElementsAre("thread 1", "thread 2", "thread 3"))
        << "start_workers() must start every thread before it returns";
    send(pool, "a");
  }
  EXPECT_THAT(handled.events(), ElementsAre("a"));
}

// --- Ordering -------------------------------------------------------------------------------

TEST(Dispatcher, OneWorkerHandlesJobsInTheOrderTheyWereSent) {
  Watchdog watchdog;
  Gate all_sent(watchdog, "all jobs were sent");
  EventLog log(watchdog);
  std::vector<std::string> sent;
  {
    const JobHandler handler = [&](const Job& job, const Context&) -> JobResult {
      all_sent.wait();  // all jobs are queued before the first one is logged
      log.add(job.id);
      return {};
    };
    Workers pool = start_workers(1, handler, nullptr);
    for (int i = 1; i <= 50; ++i) {
      sent.push_back(std::to_string(i));
      send(pool, sent.back());
    }
    all_sent.open();
  }
  EXPECT_EQ(log.events(), sent);
}

TEST(Dispatcher, TwoWorkersPromiseNoOrder) {
  Watchdog watchdog;
  EventLog log(watchdog);
  {
    const JobHandler handler = [&](const Job& job, const Context&) -> JobResult {
      if (job.id == "sent first") log.await("sent second");
      log.add(job.id);
      return {};
    };
    Workers pool = start_workers(2, handler, nullptr);
    send(pool, "sent first");
    send(pool, "sent second");
  }
  EXPECT_THAT(log.events(), ElementsAre("sent second", "sent first"));
}

// --- Completion -----------------------------------------------------------------------------

TEST(Dispatcher, RunsEveryAcceptedJobExactlyOnce) {
  constexpr int kProducers = 4;
  constexpr int kJobsEach = 250;
  Watchdog watchdog;
  std::array<std::atomic<int>, kProducers * kJobsEach> runs{};
  {
    const JobHandler handler = [&](const Job& job, const Context&) -> JobResult {
      ++runs.at(std::stoul(job.id));
      return {};
    };
    Workers pool = start_workers(4, handler, nullptr, 8);
    std::atomic<int> refused = 0;
    {
      std::vector<std::jthread> producers;
      for (int p = 0; p < kProducers; ++p) {
        producers.push_back(watchdog.thread("producer: for room in the queue", [&, p] {
          for (int i = p * kJobsEach; i < (p + 1) * kJobsEach; ++i) {
            if (pool.jobs.send(Job{.id = std::to_string(i)}) != SendStatus::kSent) ++refused;
          }
        }));
      }
    }
    EXPECT_EQ(refused, 0);
  }
  EXPECT_THAT(std::vector<int>(runs.begin(), runs.end()), Each(1));
}

TEST(Dispatcher, RequestStopCancelsRunningAndQueuedJobsAndReportsEachOnce) {
  Watchdog watchdog;
  EventLog log(watchdog);
  struct Reports : Observer {
    EventLog& log;
    explicit Reports(EventLog& where) : log(where) {}
    void job_started(int, const Job& job) override { log.add(job.id + " started"); }
    void job_finished(int, const Job& job, const JobResult& result) override {
      log.add(job.id + " " + (result ? "succeeded" : result.error().message));
    }
  };
  {
    const auto note = watchdog.waiting("test: to leave the scope of the workers");
    const JobHandler sleep_until_cancelled = [](const Job&, const Context& ctx) -> JobResult {
      if (ctx.sleep_for(kForever)) return {};
      return std::unexpected(ended(CancelReason::kCancelled));
    };
    Workers pool = start_workers(2, sleep_until_cancelled, std::make_shared<Reports>(log));
    for (const char* id : {"a", "b", "c", "d"}) send(pool, id);
    log.await("a started");
    log.await("b started");
    pool.stop.request_stop();
  }
  EXPECT_THAT(log.events(), UnorderedElementsAre("a started", "b started", "a cancelled",
                                                 "b cancelled", "c cancelled before it started",
                                                 "d cancelled before it started"));
}

}  // namespace
}  // namespace worker_pool
