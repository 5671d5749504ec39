// Stage 4: the shutdown and its limits.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

namespace your_pool {
namespace {

TEST(Shutdown, AbandonsAJobThatDoesNotStop) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    const Time start = now();
    {
      const auto owner = new_pool({.workers = 1, .capacity = 2}, stuck_or_stopped, shared_log(log));
      WorkerPool& pool = *owner;
      expect_submitted(pool, "stuck");
      std::this_thread::sleep_for(1h);
      expect_submitted(pool, "b");
      const ShutdownReport report = pool.shutdown({.drain = 1h, .cancel = 2h});
      check(now() - start >= 4h, "the shutdown gave up before its limits had passed");
      check(now() - start <= 4h + kGrace, "the shutdown took longer than its limits");
      expect_outcome(report, ShutdownOutcome::kAbandoned);
      expect_not_started(report, {"b"});
      expect_still_running(report, {"stuck"});
      expect_refused_by(pool);
    }
    check(now() - start <= 4h + kGrace,
          "the shutdown abandoned job stuck, then the destructor waited for it");
    let_abandoned_threads_end();  // uses nothing of the pool
    expect_lines(*log, {"stuck"});
    check(log.use_count() == 1,
          "the last abandoned thread has exited, but `finished` still exists");
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

TEST(Shutdown, AsksTheJobsToStopEvenIfItDoesNotWaitForThem) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    {
      const auto owner =
          new_pool({.workers = 1, .capacity = 1}, sleep_until_stopped, shared_log(log));
      expect_submitted(*owner, "a");
      std::this_thread::sleep_for(1h);
      (void)owner->shutdown({.drain = 1h, .cancel = 0s});
      std::this_thread::sleep_for(1h);
      expect_lines(*log, {"a: stopped"});
    }
    let_abandoned_threads_end();
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

// A job runs until its report has returned. Its id may be empty.
TEST(Shutdown, AbandonsAJobWhoseReportDoesNotReturn) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    {
      const JobFinished finished = [log](const Job& job, const JobResult&) {
        std::this_thread::sleep_for(24h * 30);
        log->add(job.id);
      };
      const auto owner = new_pool({.workers = 1, .capacity = 1}, succeed, finished);
      WorkerPool& pool = *owner;
      expect_submitted(pool, "");
      std::this_thread::sleep_for(1h);
      const Time start = now();
      const ShutdownReport report = pool.shutdown({.drain = 1h, .cancel = 2h});
      check(now() - start <= 3h + kGrace, "the shutdown took longer than its limits");
      expect_outcome(report, ShutdownOutcome::kAbandoned);
      expect_still_running(report, {""});
    }
    let_abandoned_threads_end();
    expect_lines(*log, {""});
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

// Of three jobs with the same id, one can be stopped.
TEST(Shutdown, AbandonsOnlyWhatIsStuck) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    {
      const JobHandler handler = [started = std::make_shared<std::atomic<int>>()](
                                     const Job& job, std::stop_token stop) -> JobResult {
        if (++*started == 2) return sleep_until_stopped(job, std::move(stop));
        return stuck_or_stopped(job, std::move(stop));
      };
      const auto owner = new_pool({.workers = 3, .capacity = 3}, handler, shared_log(log));
      WorkerPool& pool = *owner;
      for (int i = 0; i < 3; ++i) expect_submitted(pool, "stuck");
      std::this_thread::sleep_for(1h);
      const std::size_t threads = lab::running_threads();
      const ShutdownReport report = pool.shutdown({.drain = 0s, .cancel = 1h});
      expect_outcome(report, ShutdownOutcome::kAbandoned);
      expect_still_running(report, {"stuck", "stuck"});
      check(lab::running_threads() < threads, "a job had finished, but its thread still runs");
      expect_not_started(report, {});
      expect_lines(*log, {"stuck: stopped"});
    }
    let_abandoned_threads_end();
    check(log->lines().size() == 3, "an abandoned job was not reported when it finished");
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

// The thread of job a has finished its job, but not exited: a thread_local object needs a day.
TEST(Shutdown, AThreadThatExitsSlowlyDoesNotProlongIt) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    {
      const JobHandler handler = [](const Job& job, std::stop_token stop) -> JobResult {
        if (job.id == "stuck") return stuck_or_stopped(job, std::move(stop));
        thread_local const AtTheEnd slow([] { std::this_thread::sleep_for(24h); });
        std::this_thread::sleep_for(10min);
        return {};
      };
      const auto owner = new_pool({.workers = 2, .capacity = 2}, handler, shared_log(log));
      for (const char* const id : {"a", "stuck"}) expect_submitted(*owner, id);
      std::this_thread::sleep_for(1h);
      const Time start = now();
      const ShutdownReport report = owner->shutdown({.drain = 0s, .cancel = 1h});
      check(now() - start <= 1h + kGrace,
            "a job is stuck, and the shutdown waited for the thread of another one to exit, for "
            "longer than its limits");
      expect_outcome(report, ShutdownOutcome::kAbandoned);
      expect_still_running(report, {"stuck"});
    }
    let_abandoned_threads_end();
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

// The job has finished within the drain limit, but the shutdown may be delayed for longer.
TEST(Shutdown, WakesUpLateAndFindsThatTheJobHasFinished) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    const auto exit = std::make_shared<std::atomic<Time>>(Time::max());
    {
      const JobHandler handler = [exit](const Job&, std::stop_token) -> JobResult {
        thread_local const AtTheEnd notes([exit] { *exit = now(); });
        return {};
      };
      const auto owner = new_pool({.workers = 1, .capacity = 1}, handler, shared_log(log));
      expect_submitted(*owner, "a");
      Thread sleeper([] { std::this_thread::sleep_for(1h); });
      const Time start = now();
      const ShutdownReport report = owner->shutdown({.drain = 1s, .cancel = 1s});
      if (exit->load() < start + 1s) expect_outcome(report, ShutdownOutcome::kDrained);
    }
    let_abandoned_threads_end();
  };
  expect_every_schedule(kShutdownLesson, scenario, kPool);
}

// A job that finishes wakes the shutdown, which must not begin its limit again.
TEST(Shutdown, AJobThatFinishesDoesNotProlongTheDrain) {
  const auto scenario = [] {
    Log log;
    const JobHandler handler = [](const Job&, std::stop_token) -> JobResult {
      std::this_thread::sleep_for(40min);
      return {};
    };
    WorkerPool pool({.workers = 1, .capacity = 3}, handler, log.finished());
    for (const char* const id : {"a", "b", "c"}) expect_submitted(pool, id);
    const ShutdownReport report = pool.shutdown({.drain = 1h, .cancel = 1h});
    expect_not_started(report, {"c"});
    expect_outcome(report, ShutdownOutcome::kCancelled);
    expect_lines(log, {"a", "b"});
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

TEST(Shutdown, AJobThatFinishesDoesNotProlongTheCancel) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    {
      const JobHandler handler = [](const Job& job, std::stop_token stop) -> JobResult {
        JobResult result = stuck_or_stopped(job, std::move(stop));
        std::this_thread::sleep_for(40min);
        return result;
      };
      const auto owner = new_pool({.workers = 2, .capacity = 2}, handler, shared_log(log));
      WorkerPool& pool = *owner;
      for (const char* const id : {"stuck", "b"}) expect_submitted(pool, id);
      std::this_thread::sleep_for(1h);
      const Time start = now();
      const ShutdownReport report = pool.shutdown({.drain = 0s, .cancel = 1h});
      check(now() - start <= 1h + kGrace,
            "job b finished after 40 minutes, and the cancel limit of an hour began again");
      expect_outcome(report, ShutdownOutcome::kAbandoned);
      expect_still_running(report, {"stuck"});
      expect_lines(*log, {"b: stopped"});
    }
    let_abandoned_threads_end();
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

// The thread that requests a stop calls the callbacks of the jobs. Job b asks its token meanwhile.
TEST(Shutdown, AStopCallbackThatBlocksDoesNotProlongTheCancel) {
  const auto scenario = [] {
    const auto log = std::make_shared<Log>();
    const Time start = now();
    {
      const JobHandler handler = [](const Job& job, std::stop_token stop) -> JobResult {
        if (job.id == "b") {
          while (!stop.stop_requested()) std::this_thread::sleep_for(30min);
          return {};
        }
        const std::stop_callback blocks(stop, [] { std::this_thread::sleep_for(24h); });
        return stuck_or_stopped(job, stop);
      };
      const auto owner = new_pool({.workers = 2, .capacity = 2}, handler, shared_log(log));
      WorkerPool& pool = *owner;
      for (const char* const id : {"stuck", "b"}) expect_submitted(pool, id);
      std::this_thread::sleep_for(1h);
      const ShutdownReport report = pool.shutdown({.drain = 1h, .cancel = 1h});
      check(now() - start <= 3h + kGrace,
            "a stop callback of job stuck blocked, and the shutdown took longer than its limits");
      expect_outcome(report, ShutdownOutcome::kAbandoned);
      expect_still_running(report, {"stuck"});
    }
    check(now() - start <= 3h + kGrace,
          "a stop callback of job stuck blocked, and the destructor waited for it");
    let_abandoned_threads_end();
    expect_lines(*log, {"b", "stuck"});
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

TEST(Shutdown, AJobMayUseAllOfALimit) {
  const auto scenario = [] {
    for (const Time limit : std::vector<Time>{300us, 24h * 365}) {
      const Time almost = limit - limit / 10;
      for (const bool is_stopped : {false, true}) {
        Log log;
        const JobHandler handler = [&](const Job&, std::stop_token stop) -> JobResult {
          if (is_stopped) (void)sleep_until_stopped({}, std::move(stop));
          std::this_thread::sleep_for(almost);
          return {};
        };
        WorkerPool pool({.workers = 1, .capacity = 1}, handler, log.finished());
        expect_submitted(pool, "a");
        if (is_stopped) std::this_thread::sleep_for(1h);
        const ShutdownReport report = pool.shutdown({.drain = limit, .cancel = limit});
        expect_outcome(report,
                       is_stopped ? ShutdownOutcome::kCancelled : ShutdownOutcome::kDrained);
        expect_lines(log, {"a"});
      }
    }
  };
  expect_every_schedule(kShutdownLesson, scenario, kExact);
}

// With a single preemption, what main does is interrupted: the submit, or the shutdown.
TEST(Shutdown, ASubmitDuringItDoesNotProlongIt) {
  for (const bool main_submits : {true, false}) {
    const auto scenario = [main_submits] {
      const auto log = std::make_shared<Log>();
      {
        const auto owner =
            new_pool({.workers = 1, .capacity = 1}, stuck_or_stopped, shared_log(log));
        SendStatus status = SendStatus::kFull;
        ShutdownReport report;
        const auto submit = [&] { status = owner->submit(job_named("stuck")); };
        const auto shut_down = [&] {
          const Time start = now();
          report = owner->shutdown({.drain = 1h, .cancel = 1h});
          check(now() - start <= 2h + kGrace, "the shutdown took longer than its limits");
        };
        if (main_submits) {
          Thread other(shut_down);
          submit();
        } else {
          Thread other(submit);
          shut_down();
        }
        const std::size_t sent = status == SendStatus::kSent ? 1 : 0;
        check(report.not_started.size() + report.still_running.size() == sent,
              "a job was accepted and lost, or refused and is there");
      }
      let_abandoned_threads_end();
    };
    expect_every_schedule(kShutdownLesson, scenario, kExactPool);
  }
}

TEST(Shutdown, ASubmitDuringItIsAcceptedOrRefused) {
  const auto scenario = [] {
    Log log;
    WorkerPool pool({.workers = 1, .capacity = 1}, succeed, log.finished());
    Job job = job_named("a");
    SendStatus status = SendStatus::kFull;
    Thread submitter([&] { status = pool.submit(std::move(job)); });
    const Time start = now();
    const ShutdownReport report = pool.shutdown({.drain = 1h, .cancel = 1h});
    check(now() == start, "every accepted job had finished, and the shutdown went on waiting");
    submitter.join();
    const bool is_sent = status == SendStatus::kSent;
    check(is_sent || job.id == "a", "a job was refused, and taken");
    check(log.lines().size() + report.not_started.size() == (is_sent ? 1 : 0),
          "a job was accepted and lost, or refused and done");
  };
  expect_every_schedule(kShutdownLesson, scenario, kExactPool);
}

// Main submits, so that the shutdown can begin during the call with a single preemption. A second
// one is between the shutdown's check of the count and its sleep.
TEST(Shutdown, ItMayBeginDuringASubmit) {
  for (const bool waits : {true, false}) {
    const auto scenario = [waits] {
      Log log;
      WorkerPool pool({.workers = 1, .capacity = 1}, succeed, log.finished());
      const Time start = now();
      Thread other([&] {
        (void)pool.shutdown({.drain = 1h, .cancel = 1h});
        check(now() == start, "every accepted job had finished, and the shutdown went on waiting");
      });
      Job job = job_named("a");
      const SendStatus status =
          waits ? pool.submit(std::move(job)) : pool.try_submit(std::move(job));
      other.join();
      check(status == SendStatus::kSent || job.id == "a", "a job was refused, and taken");
      check(log.lines().size() == (status == SendStatus::kSent ? 1 : 0),
            "a job was accepted and lost, or refused and done");
    };
    expect_every_schedule(kShutdownLesson, scenario,
                          {.max_preemptions = waits ? 2 : 1,
                           .max_spurious_wakeups = 0,
                           .early_timeouts = false,
                           .max_schedules = kSchedules,
                           .random_schedules = 30});
  }
}

}  // namespace
}  // namespace your_pool
