// Stage 4: the shutdown and what it accounts for.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace your_pool {
namespace {

// A worker may have received a job, and not named it yet, when the limits are over. Neither the job
// nor its report returns before the gate opens, and the report comes alone if the job is canceled
// before it starts. Few random schedules get there, so there are many of them, always the same.
//
// The second worker may not even have begun when the pool is destroyed.
TEST(Shutdown, AReceivedJobIsInTheReportBeforeItHasItsName) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    const auto gate = std::make_shared<Log>();
    const JobHandler handler = [gate](const Job&, std::stop_token) -> JobResult {
      gate->wait_for(1);
      return {};
    };
    const JobFinished finished = [log, gate](const Job& job, const JobResult&) {
      log->add(job.id);
      gate->wait_for(1);
    };
    {
      const auto owner = new_pool({.workers = 2, .capacity = 2}, handler, finished);
      WorkerPool& pool = *owner;
      for (const char* const id : {"a", "b"}) expect_submitted(pool, id);
      const Time start = now();
      const ShutdownReport report = pool.shutdown({.drain = 0s, .cancel = 0s});
      check(now() - start <= kGrace, "the shutdown took longer than its limits");
      const std::size_t reported = report.not_started.size() + report.still_running.size();
      check(reported <= 2, "a job is in the report twice");
      check(reported + log->lines().size() >= 2,
            "a worker had received a job, which is neither finished nor in the report");
      for (const std::string& id : report.still_running) {
        if (!(id == "a" || id == "b" || id == "?")) fail("still_running has a job named " + id);
      }
    }
    gate->add("open");
    let_abandoned_threads_end();
  };
  expect_every_schedule(kShutdownLesson, scenario,
                        {.max_preemptions = 3,  // between the two, and then the clock jumps twice
                         .max_spurious_wakeups = 0,
                         .max_schedules = 200,
                         .random_schedules = 1'000});
}

// Both jobs may be handed back, or job a may end on its own.
TEST(Shutdown, AbandonsNoThreadIfNoJobIsLeft) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    {
      const auto owner = new_pool({.workers = 1, .capacity = 2}, succeed, shared_log(log));
      for (const char* const id : {"a", "b"}) expect_submitted(*owner, id);
      const ShutdownReport report = owner->shutdown({.drain = 0s, .cancel = 0s});
      if (report.outcome != ShutdownOutcome::kAbandoned) {
        expect_all_joined();
      } else if (report.still_running.empty()) {
        fail("neither a job nor a stop callback was left, and the outcome is kAbandoned");
      }
    }
    let_abandoned_threads_end();
  };
  expect_every_schedule(kShutdownLesson, scenario, kExactPool);
}

JobResult fail_in_many_ways(const Job& job, std::stop_token stop) {
  if (job.id == "throws") throw std::runtime_error("disk full");
  if (job.id == "throws an int") throw 42;
  if (job.id == "fails") return std::unexpected("no such file");
  return stuck_or_stopped(job, std::move(stop));
}

TEST(Shutdown, AJobThatFailedHasFinished) {
  const auto scenario = [] {
    for (const bool is_stuck : {false, true}) {
      const auto log = std::make_shared<Log>();
      {
        WorkerPool pool({.workers = 2, .capacity = 4}, fail_in_many_ways, shared_log(log));
        for (const char* const id : {"throws", "throws an int", "fails"}) {
          expect_submitted(pool, id);
        }
        if (is_stuck) expect_submitted(pool, "stuck");
        std::this_thread::sleep_for(1h);
        const Time start = now();
        const ShutdownReport report = pool.shutdown({.drain = 1h, .cancel = 1h});
        expect_still_running(
            report, is_stuck ? std::vector<std::string>{"stuck"} : std::vector<std::string>{});
        expect_not_started(report, {});
        check(is_stuck || now() == start, "every job had failed, and the shutdown went on waiting");
        expect_outcome(report, is_stuck ? ShutdownOutcome::kAbandoned : ShutdownOutcome::kDrained);
      }
      let_abandoned_threads_end();
    }
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

TEST(Shutdown, ARefusedJobIsNoneOfItsJobs) {
  const auto scenario = [] {
    Log log;
    const JobHandler handler = [](const Job&, std::stop_token) -> JobResult {
      std::this_thread::sleep_for(1h);
      return {};
    };
    WorkerPool pool({.workers = 1, .capacity = 1}, handler, log.finished());
    const Time start = now();
    expect_submitted(pool, "a");
    expect_submitted(pool, "b");  // waits until job a was received
    check(pool.try_submit(job_named("c")) == SendStatus::kFull,
          "the channel is full, but try_submit() did not return kFull");
    expect_outcome(pool.shutdown({.drain = 24h, .cancel = 1h}), ShutdownOutcome::kDrained);
    check(now() - start == 2h,
          "jobs a and b had finished, and the shutdown waited for a job that was refused");
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

// Job a is running when the shutdown begins, and submits then.
TEST(Shutdown, RefusesTheJobsOfAJobToo) {
  const auto scenario = [] {
    Log log;
    std::atomic<WorkerPool*> itself = nullptr;
    const JobHandler handler = [&](const Job&, std::stop_token) -> JobResult {
      std::this_thread::sleep_for(2h);
      expect_refused_by(*itself);
      return {};
    };
    WorkerPool pool({.workers = 1, .capacity = 1}, handler, log.finished());
    itself = &pool;
    expect_submitted(pool, "a");
    std::this_thread::sleep_for(1h);
    expect_outcome(pool.shutdown({.drain = 24h, .cancel = 1h}), ShutdownOutcome::kDrained);
    expect_lines(log, {"a"});
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

// With a lock of the pool held during the stop request, this blocks.
TEST(Shutdown, AJobThatIsAskedToStopMaySubmit) {
  const auto scenario = [] {
    Log log;
    std::atomic<WorkerPool*> itself = nullptr;
    const JobHandler handler = [&](const Job& job, std::stop_token stop) -> JobResult {
      const std::stop_callback submits(stop, [&] { expect_refused_by(*itself); });
      return sleep_until_stopped(job, stop);
    };
    WorkerPool pool({.workers = 1, .capacity = 1}, handler, log.finished());
    itself = &pool;
    expect_submitted(pool, "a");
    std::this_thread::sleep_for(1h);
    expect_outcome(pool.shutdown({.drain = 0s, .cancel = 1h}), ShutdownOutcome::kCancelled);
    expect_lines(log, {"a: stopped"});
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

// Called in `finished`.
void expect_shutdown_refused(WorkerPool& pool) {
  bool is_refused = false;
  try {
    (void)pool.shutdown({.drain = 1h, .cancel = 1h});
  } catch (const std::logic_error&) {
    is_refused = true;
  }
  check(is_refused, "`finished` called shutdown(), and it did not throw");
}

TEST(Shutdown, AReportThatCallsItIsRefused) {
  const auto scenario = [] {
    Log log;
    std::atomic<WorkerPool*> itself = nullptr;
    const JobFinished finished = [&](const Job& job, const JobResult&) {
      expect_shutdown_refused(*itself);
      log.add(job.id);
    };
    WorkerPool pool({.workers = 1, .capacity = 1}, succeed, finished);
    itself = &pool;
    expect_submitted(pool, "a");
    log.wait_for(1);
    expect_outcome(pool.shutdown({.drain = 1h, .cancel = 1h}), ShutdownOutcome::kDrained);
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

// If a worker has received the job when the stop is requested, the job is reported without a start.
TEST(Shutdown, AReportOfACanceledJobThatCallsItIsRefusedToo) {
  const auto scenario = [] {
    const auto itself = std::make_shared<std::atomic<WorkerPool*>>();
    const JobFinished finished = [itself](const Job&, const JobResult&) {
      expect_shutdown_refused(**itself);
    };
    const auto pool = new_pool({.workers = 1, .capacity = 1}, sleep_until_stopped, finished);
    *itself = pool.get();
    expect_submitted(*pool, "a");
    expect_outcome(pool->shutdown({.drain = 0s, .cancel = 24h}), ShutdownOutcome::kCancelled);
  };
  expect_every_schedule(kShutdownLesson, scenario, kExactPool);
}

// Another thread is inside the shutdown of the job's own pool.
TEST(Shutdown, AJobMayShutDownOrDestroyAnotherPool) {
  for (const bool destroys : {false, true}) {
    const auto scenario = [destroys] {
      Log log;
      Log log_of_other;
      auto other = new_pool({.workers = 1, .capacity = 1}, succeed, log_of_other.finished());
      const JobHandler handler = [&](const Job&, std::stop_token stop) -> JobResult {
        std::this_thread::sleep_for(1h);
        expect_submitted(*other, "b");
        if (!destroys) {
          expect_outcome(other->shutdown({.drain = 1h, .cancel = 1h}), ShutdownOutcome::kDrained);
        }
        other.reset();
        expect_lines(log_of_other, {"b"});
        check(!stop.stop_requested(), "the shutdown of one pool canceled the job of another one");
        return {};
      };
      WorkerPool pool({.workers = 1, .capacity = 1}, handler, log.finished());
      expect_submitted(pool, "a");
      expect_outcome(pool.shutdown({.drain = 24h, .cancel = 24h}), ShutdownOutcome::kDrained);
      expect_lines(log, {"a"});
    };
    expect_every_schedule(kShutdownLesson, scenario, kExact);
  }
}

// The second pool is in the place of the first one, whose job still runs.
TEST(Shutdown, AnAbandonedJobMayShutDownTheNextPool) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    const auto next = std::make_shared<Log>();
    const auto pool = std::make_shared<std::optional<WorkerPool>>();
    const JobHandler handler = [pool, next](const Job&, std::stop_token) -> JobResult {
      next->wait_for(1);
      expect_outcome((*pool)->shutdown({.drain = 1h, .cancel = 1h}), ShutdownOutcome::kDrained);
      return {};
    };
    const WorkerPool::Options one{.workers = 1, .capacity = 1};
    pool->emplace(one, handler, shared_log(log));
    expect_submitted(**pool, "a");
    std::this_thread::sleep_for(1h);
    expect_outcome((*pool)->shutdown({.drain = 0s, .cancel = 0s}), ShutdownOutcome::kAbandoned);
    pool->emplace(one, succeed, shared_log(log));
    next->add("pool");
    log->wait_for(1);
    expect_lines(*log, {"a"});
    pool->reset();
    let_abandoned_threads_end();
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

void expect_took(Time taken, Time expected, Time grace) {
  const auto seconds = [](Time time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count());
  };
  if (taken < expected || taken > expected + grace) {
    fail("the shutdown must return after " + seconds(expected) + " s, but it took " +
         seconds(taken));
  }
}

// The job keeps the callback for longer than it runs. If the job ends within the drain limit, the
// callback is not called. Otherwise the shutdown waits for both, within the cancel limit.
TEST(Shutdown, AStopCallbackThatOutlivesItsJobHasTheCancelLimit) {
  struct Case {
    Time works;   // how long the job does
    Time blocks;  // how long its callback does
    ShutdownOutcome outcome;
    Time end;
  };
  for (const Case& it : std::vector<Case>{{30min, 24h, ShutdownOutcome::kDrained, 30min},
                                          {90min, 30min, ShutdownOutcome::kCancelled, 90min},
                                          {90min, 45min, ShutdownOutcome::kCancelled, 105min},
                                          {90min, 24h, ShutdownOutcome::kAbandoned, 2h}}) {
    const auto scenario = [it] {
      using Callback = std::stop_callback<std::function<void()>>;
      const bool is_abandoned = it.outcome == ShutdownOutcome::kAbandoned;
      const auto log = std::make_shared<Log>();
      const auto kept = std::make_shared<std::optional<Callback>>();
      const Time start = now();
      {
        const JobHandler handler = [=](const Job&, std::stop_token stop) -> JobResult {
          if (is_abandoned) {  // then the thread need not be joined, even if it exits a day later
            thread_local const AtTheEnd slow([] { std::this_thread::sleep_for(24h); });
          }
          kept->emplace(std::move(stop), [it] { std::this_thread::sleep_for(it.blocks); });
          std::this_thread::sleep_for(it.works);
          return {};
        };
        const auto owner = new_pool({.workers = 1, .capacity = 1}, handler, shared_log(log));
        expect_submitted(*owner, "a");
        const ShutdownReport report = owner->shutdown({.drain = 1h, .cancel = 1h});
        expect_outcome(report, it.outcome);
        expect_took(now() - start, it.end, is_abandoned ? kGrace : 0s);
        expect_still_running(report, {});
        if (!is_abandoned) expect_all_joined();
      }
      check(now() - start <= it.end + kGrace,
            "the shutdown had returned, and the destructor waited for a stop callback of job a");
      let_abandoned_threads_end();
      expect_lines(*log, {"a"});
    };
    expect_every_schedule(kShutdownLesson, scenario, kExactPool);
  }
}

}  // namespace
}  // namespace your_pool
