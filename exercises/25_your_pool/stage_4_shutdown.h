// Stage 4: the shutdown.
#pragma once

#include <algorithm>
#include <atomic>
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

namespace your_pool {
namespace {

const LessonStage kShutdownStage("4 of 4: the shutdown");

constexpr Lesson kShutdownLesson(
    "25_your_pool",
    "stage 4, the last one, is not finished. The verdict above says what the shutdown promised and "
    "did not do. The channel, the worker and the pool have passed their own tests.");

using Time = std::chrono::nanoseconds;

// How much later than its limits a shutdown may return.
constexpr Time kGrace = 200ms;

Time now() { return std::chrono::steady_clock::now().time_since_epoch(); }

void expect_outcome(const ShutdownReport& report, ShutdownOutcome expected) {
  const auto name = [](ShutdownOutcome outcome) -> std::string {
    if (outcome == ShutdownOutcome::kDrained) return "kDrained";
    return outcome == ShutdownOutcome::kCancelled ? "kCancelled" : "kAbandoned";
  };
  if (report.outcome != expected) {
    fail("the outcome must be " + name(expected) + ", but it is " + name(report.outcome));
  }
}

void expect_not_started(const ShutdownReport& report, const std::vector<std::string>& expected) {
  std::vector<std::string> ids;
  for (const Job& job : report.not_started) {
    expect_payload(job);
    ids.push_back(job.id);
  }
  if (ids != expected) {
    fail("not_started must be " + joined(expected) + ", but it is " + joined(ids));
  }
}

void expect_still_running(const ShutdownReport& report, const std::vector<std::string>& expected) {
  if (report.still_running != expected) {
    fail("still_running must be " + joined(expected) + ", but it is " +
         joined(report.still_running));
  }
}

void expect_refused_by(WorkerPool& pool) {
  for (const bool waits : {true, false}) {
    Job job = job_named("late");
    const SendStatus status = waits ? pool.submit(std::move(job)) : pool.try_submit(std::move(job));
    check(status == SendStatus::kClosed,
          "a job was submitted after the shutdown, and the "
          "status is not kClosed");
    check(job.id == "late", "a job was refused after the shutdown, and taken");
  }
}

// Sleeps until only the calling thread is left: an abandoned thread runs to its end.
void let_abandoned_threads_end() {
  while (lab::running_threads() > 1) std::this_thread::sleep_for(24h);
}

// Called where only the pool has started threads.
void expect_all_joined() {
  check(lab::running_threads() == 1,
        "shutdown() returned, and has abandoned no job, but a thread of the pool still runs");
}

// A job ignores its stop token if its id begins with "stuck".
JobResult stuck_or_stopped(const Job& job, std::stop_token stop) {
  if (!job.id.starts_with("stuck")) return sleep_until_stopped(job, std::move(stop));
  std::this_thread::sleep_for(24h * 30);
  return {};
}

// An abandoned job may outlive the pool and the test, so what it uses is shared.
JobFinished shared_log(const std::shared_ptr<Log>& log) {
  return [log](const Job& job, const JobResult& result) { log->finished()(job, result); };
}

TEST(Shutdown, DrainsWhatWasSubmitted) {
  const auto scenario = [] {
    Log log;
    WorkerPool pool({.workers = 1, .capacity = 2}, succeed, log.finished());
    expect_submitted(pool, "a");
    expect_submitted(pool, "b");
    const Time start = now();
    const ShutdownReport report = pool.shutdown({.drain = 24h * 365, .cancel = 24h * 365});
    check(now() == start, "every accepted job had finished, and the shutdown went on waiting");
    expect_outcome(report, ShutdownOutcome::kDrained);
    expect_lines(log, {"a", "b"});
    expect_not_started(report, {});
    expect_still_running(report, {});
    expect_refused_by(pool);
  };
  // To lose the last notification takes two preemptions.
  expect_every_schedule(kShutdownLesson, scenario,
                        {.max_preemptions = 2,
                         .max_spurious_wakeups = 0,
                         .early_timeouts = false,
                         .max_schedules = kSchedules,
                         .random_schedules = 30});
}

TEST(Shutdown, ReturnsWhenTheLastJobHasFinished) {
  const auto scenario = [] {
    Log log;
    const JobHandler handler = [](const Job&, std::stop_token) -> JobResult {
      std::this_thread::sleep_for(1h);
      return {};
    };
    WorkerPool pool({.workers = 2, .capacity = 4}, handler, log.finished());
    for (const char* const id : {"a", "b", "c", "d"}) expect_submitted(pool, id);
    const Time start = now();
    const ShutdownReport report = pool.shutdown({.drain = 3h, .cancel = 1h});
    check(now() - start == 2h,
          "the jobs had finished after 2 of 3 hours, and the shutdown did not return then");
    expect_outcome(report, ShutdownOutcome::kDrained);
    expect_once(log, {"a", "b", "c", "d"});
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

TEST(Shutdown, AnIdlePoolIsDrainedWhateverTheLimits) {
  const auto scenario = [] {
    Log log;
    WorkerPool pool({.workers = 2, .capacity = 1}, succeed, log.finished());
    expect_outcome(pool.shutdown({.drain = 0s, .cancel = 0s}), ShutdownOutcome::kDrained);
    expect_all_joined();
    expect_refused_by(pool);
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

TEST(Shutdown, CancelsWhatHasNotFinishedWithinTheDrainLimit) {
  const auto scenario = [] {
    Log log;
    WorkerPool pool({.workers = 2, .capacity = 3}, sleep_until_stopped, log.finished());
    for (const char* const id : {"a", "b"}) expect_submitted(pool, id);
    std::this_thread::sleep_for(1h);  // both run
    for (const char* const id : {"c", "d", "e"}) expect_submitted(pool, id);
    const Time start = now();
    const ShutdownReport report = pool.shutdown({.drain = 1h, .cancel = 2h});
    check(now() - start == 1h,
          "every job can be stopped after the drain limit of an hour, and the shutdown did "
          "not return then");
    expect_outcome(report, ShutdownOutcome::kCancelled);
    expect_not_started(report, {"c", "d", "e"});
    expect_still_running(report, {});
    if (!(log.count("a: stopped") == 1 && log.count("b: stopped") == 1 &&
          log.lines().size() == 2)) {
      fail("jobs a and b must be stopped, but there was " + joined(log.lines()));
    }
    expect_refused_by(pool);
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

TEST(Shutdown, IsNoDrainIfARunningJobIsStopped) {
  const auto scenario = [] {
    Log log;
    WorkerPool pool({.workers = 1, .capacity = 1}, sleep_until_stopped, log.finished());
    expect_submitted(pool, "a");
    std::this_thread::sleep_for(1h);
    const ShutdownReport report = pool.shutdown({.drain = 1h, .cancel = 1h});
    expect_outcome(report, ShutdownOutcome::kCancelled);
    expect_lines(log, {"a: stopped"});
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

TEST(Shutdown, AJobFinishesOrIsHandedBack) {
  const auto scenario = [] {
    Log log;
    WorkerPool pool({.workers = 1, .capacity = 2}, sleep_until_stopped, log.finished());
    expect_submitted(pool, "a");
    expect_submitted(pool, "b");
    const ShutdownReport report = pool.shutdown({.drain = 0s, .cancel = 24h});
    expect_outcome(report, ShutdownOutcome::kCancelled);
    expect_all_joined();
    expect_still_running(report, {});
    const bool is_started = log.count_of("a") == 1;
    expect_not_started(
        report, is_started ? std::vector<std::string>{"b"} : std::vector<std::string>{"a", "b"});
    if (log.lines().size() != (is_started ? 1 : 0)) {
      fail("a job was handed back and reported too: " + joined(log.lines()));
    }
  };
  expect_every_schedule(kShutdownLesson, scenario, kExactPool);
}

TEST(Shutdown, WhateverTheClockDoesEachJobIsAccountedForOnce) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    {
      const auto owner = new_pool({.workers = 1, .capacity = 2}, succeed, shared_log(log));
      WorkerPool& pool = *owner;
      expect_submitted(pool, "a");
      expect_submitted(pool, "b");
      const ShutdownReport report = pool.shutdown({.drain = 1s, .cancel = 1s});
      const auto named = std::min<std::size_t>(1, report.still_running.size());
      const std::size_t accounted = log->lines().size() + report.not_started.size() + named;
      check(accounted >= 2, "a job is neither finished nor handed back nor still running");
      for (const Job& job : report.not_started) {
        if (log->count_of(job.id) != 0) fail("job " + job.id + " ran and was handed back");
      }
    }
    let_abandoned_threads_end();
  };
  expect_every_schedule(kShutdownLesson, scenario, kPool);
}

TEST(Shutdown, WakesSubmitsThatWaitForRoom) {
  const auto scenario = [] {
    Log log;
    WorkerPool pool({.workers = 1, .capacity = 1}, sleep_until_stopped, log.finished());
    expect_submitted(pool, "a");
    std::this_thread::sleep_for(1h);
    expect_submitted(pool, "b");
    const Time start = now();
    const auto submits = [&] {
      expect_refused_by(pool);
      check(now() - start == 1h, "submit() waited for room until after the shutdown began");
    };
    Thread first(submits);
    Thread second(submits);
    std::this_thread::sleep_for(1h);  // both wait for room
    expect_not_started(pool.shutdown({.drain = 2h, .cancel = 2h}), {"b"});
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

TEST(Shutdown, TheNextOnesReturnTheSameWithoutTheJobs) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    {
      const auto owner = new_pool({.workers = 1, .capacity = 1}, stuck_or_stopped, shared_log(log));
      WorkerPool& pool = *owner;
      expect_submitted(pool, "stuck");
      std::this_thread::sleep_for(1h);
      expect_submitted(pool, "b");
      const ShutdownReport first = pool.shutdown({.drain = 0s, .cancel = 1h});
      expect_not_started(first, {"b"});
      let_abandoned_threads_end();  // which does not change the report
      for (int i = 0; i < 2; ++i) {
        const ShutdownReport next = pool.shutdown({.drain = 0s, .cancel = 1h});
        expect_outcome(next, first.outcome);
        expect_not_started(next, {});
        expect_still_running(next, {"stuck"});
      }
    }
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

TEST(Shutdown, TwoAtTheSameTimeReturnTheSame) {
  const auto scenario = [] {
    Log log;
    WorkerPool pool({.workers = 1, .capacity = 2}, sleep_until_stopped, log.finished());
    expect_submitted(pool, "a");
    std::this_thread::sleep_for(1h);
    expect_submitted(pool, "b");
    ShutdownReport reports[2];
    const auto shut_down = [&](ShutdownReport& report) {
      report = pool.shutdown({.drain = 0s, .cancel = 24h});
      // For whichever of the two came second, too. The other one may still be on its way back.
      expect_lines(log, {"a: stopped"});
      check(lab::running_threads() <= 2,
            "shutdown() returned, and a thread of the pool still runs");
      expect_outcome(report, ShutdownOutcome::kCancelled);
    };
    Thread other([&] { shut_down(reports[1]); });
    shut_down(reports[0]);
    other.join();
    check(reports[0].not_started.size() + reports[1].not_started.size() == 1,
          "job b must be handed back to exactly one of two callers of shutdown()");
  };
  expect_every_schedule(kShutdownLesson, scenario, kExactPool);
}

// The others call it a second later, and each of them could wait for a shorter time.
TEST(Shutdown, TheOthersWaitForTheFirst) {
  const auto scenario = [] {
    Log log;
    const JobHandler handler = [](const Job& job, std::stop_token stop) -> JobResult {
      JobResult result = sleep_until_stopped(job, std::move(stop));
      std::this_thread::sleep_for(1h);
      return result;
    };
    WorkerPool pool({.workers = 1, .capacity = 1}, handler, log.finished());
    expect_submitted(pool, "a");
    std::this_thread::sleep_for(1h);
    const Time start = now();
    const auto shut_down = [&](ShutdownLimits limits) {
      const ShutdownReport report = pool.shutdown(limits);
      check(now() - start == 1h, "a second shutdown() did not return when the first one did");
      expect_outcome(report, ShutdownOutcome::kCancelled);
      expect_still_running(report, {});
    };
    const auto shut_down_too = [&] {
      std::this_thread::sleep_for(1s);
      shut_down({.drain = 0s, .cancel = 0s});
    };
    Thread second(shut_down_too);
    Thread third(shut_down_too);
    shut_down({.drain = 0s, .cancel = 24h});
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

// Called in a job of the pool.
JobResult shut_down_in_job(WorkerPool& pool) {
  try {
    (void)pool.shutdown({.drain = 1h, .cancel = 1h});
  } catch (const std::logic_error&) {
    return std::unexpected("refused");
  }
  return {};
}

TEST(Shutdown, AJobThatCallsItIsRefused) {
  const auto scenario = [] {
    Log log;
    std::atomic<WorkerPool*> itself = nullptr;
    const JobHandler handler = [&](const Job& job, std::stop_token) -> JobResult {
      if (job.id != "a") return {};
      return shut_down_in_job(*itself);
    };
    WorkerPool pool({.workers = 1, .capacity = 2}, handler, log.finished());
    itself = &pool;
    expect_submitted(pool, "a");
    log.wait_for(1);
    expect_submitted(pool, "b");
    expect_outcome(pool.shutdown({.drain = 1h, .cancel = 1h}), ShutdownOutcome::kDrained);
    expect_lines(log, {"a: refused", "b"});
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

// The job calls it while another thread is inside, where a lock around the whole shutdown would
// make each wait for the other, or after it was abandoned.
TEST(Shutdown, AJobThatCallsItDuringOrAfterAnotherIsRefusedToo) {
  for (const bool is_abandoned : {false, true}) {
    const auto scenario = [is_abandoned] {
      Log log;
      std::atomic<WorkerPool*> itself = nullptr;
      const JobHandler handler = [&](const Job&, std::stop_token) -> JobResult {
        std::this_thread::sleep_for(is_abandoned ? 24h : 1h);
        JobResult result = shut_down_in_job(*itself);
        check(!result || !is_abandoned, "an abandoned job called shutdown(), and it did not throw");
        return result;
      };
      WorkerPool pool({.workers = 1, .capacity = 1}, handler, log.finished());
      itself = &pool;
      expect_submitted(pool, "a");
      const Time limit = is_abandoned ? 1h : 24h;
      expect_outcome(pool.shutdown({.drain = limit, .cancel = 1h}),
                     is_abandoned ? ShutdownOutcome::kAbandoned : ShutdownOutcome::kDrained);
      let_abandoned_threads_end();
      expect_lines(log, {"a: refused"});
    };
    expect_every_schedule(kShutdownLesson, scenario, kExact);
  }
}

}  // namespace
}  // namespace your_pool
