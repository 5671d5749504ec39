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
// before it starts. About one random schedule in eighty gets there.
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
      const auto owner = new_pool({.workers = 1, .capacity = 1}, handler, finished);
      WorkerPool& pool = *owner;
      expect_submitted(pool, "a");
      const ShutdownReport report = pool.shutdown({.drain = 0s, .cancel = 0s});
      const std::size_t reported = report.not_started.size() + report.still_running.size();
      check(reported <= 1, "job a is in the report twice");
      check(reported + log->lines().size() >= 1,
            "a worker had received job a, which is neither finished nor in the report");
      for (const std::string& id : report.still_running) {
        if (!(id == "a" || id == "?")) fail("job a is in still_running with the name " + id);
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

TEST(Shutdown, AReportThatCallsItIsRefused) {
  const auto scenario = [] {
    Log log;
    std::atomic<WorkerPool*> itself = nullptr;
    const JobFinished finished = [&](const Job&, const JobResult&) {
      try {
        (void)itself.load()->shutdown({.drain = 1h, .cancel = 1h});
        log.add("not refused");
      } catch (const std::logic_error&) {
        log.add("refused");
      }
    };
    WorkerPool pool({.workers = 1, .capacity = 1}, succeed, finished);
    itself = &pool;
    expect_submitted(pool, "a");
    log.wait_for(1);
    expect_lines(log, {"refused"});
    expect_outcome(pool.shutdown({.drain = 1h, .cancel = 1h}), ShutdownOutcome::kDrained);
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

TEST(Shutdown, AJobMayShutDownAnotherPool) {
  const auto scenario = [] {
    Log log;
    Log log_of_other;
    WorkerPool other({.workers = 1, .capacity = 1}, succeed, log_of_other.finished());
    const JobHandler handler = [&](const Job&, std::stop_token stop) -> JobResult {
      expect_submitted(other, "b");
      expect_outcome(other.shutdown({.drain = 1h, .cancel = 1h}), ShutdownOutcome::kDrained);
      check(!stop.stop_requested(), "the shutdown of one pool canceled the job of another one");
      return {};
    };
    WorkerPool pool({.workers = 1, .capacity = 1}, handler, log.finished());
    expect_submitted(pool, "a");
    log.wait_for(1);
    expect_lines(log, {"a"});
    expect_lines(log_of_other, {"b"});
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
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

// The job keeps the callback for longer than it runs. So only the callback is left in the end: for
// a quarter of an hour, or for longer than the limits.
TEST(Shutdown, AStopCallbackThatOutlivesItsJobHasTheCancelLimit) {
  for (const Time blocked : std::vector<Time>{45min, 24h}) {
    const auto scenario = [blocked] {
      using Callback = std::stop_callback<std::function<void()>>;
      const bool returns = blocked < 1h;
      const auto log = std::make_shared<Log>();
      const auto kept = std::make_shared<std::optional<Callback>>();
      const Time start = now();
      {
        const JobHandler handler = [kept, blocked](const Job&, std::stop_token stop) -> JobResult {
          kept->emplace(std::move(stop), [blocked] { std::this_thread::sleep_for(blocked); });
          std::this_thread::sleep_for(90min);
          return {};
        };
        const auto owner = new_pool({.workers = 1, .capacity = 1}, handler, shared_log(log));
        expect_submitted(*owner, "a");
        const ShutdownReport report = owner->shutdown({.drain = 1h, .cancel = 1h});
        check(!returns || now() - start == 105min,
              "the stop callback of job a returned within the cancel limit, and the shutdown did "
              "not return then");
        check(now() - start <= 2h + kGrace,
              "job a had finished, its stop callback blocked, and the shutdown took longer than "
              "its limits");
        expect_outcome(report, returns ? ShutdownOutcome::kCancelled : ShutdownOutcome::kAbandoned);
        expect_still_running(report, {});
        if (returns) expect_all_joined();
      }
      check(now() - start <= 2h + kGrace,
            "a stop callback of job a blocked, and the destructor waited for it");
      let_abandoned_threads_end();
      expect_lines(*log, {"a"});
    };
    expect_every_schedule(kShutdownLesson, scenario, kExact);
  }
}

}  // namespace
}  // namespace your_pool
