// The workers of steps 2 and 3 and the shutdown of step 4 under every schedule.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "full_pattern/every_schedule/every_schedule.h"
#include "step1_job/job.h"
#include "step2_worker/worker.h"
#include "step3_dispatcher/dispatcher.h"
#include "step3_dispatcher/running_jobs.h"
#include "step4_shutdown/shutdown.h"
#include "testing/lab/explorer.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr ShutdownLimits kNoLimits{.drain = kForever, .cancel = kForever};

// Shared by the handlers' copies.
using Counter = std::shared_ptr<std::atomic<int>>;

Counter new_counter() { return std::make_shared<std::atomic<int>>(0); }

JobHandler counting(const Counter& done) {
  return [done](const Job&, const Context&) -> JobResult {
    ++*done;
    return {};
  };
}

JobResult sleep_until_canceled(const Job&, const Context& ctx) {
  lab::check(!ctx.sleep_for(kForever), "slept for the whole of forever");
  return std::unexpected(ended(CancelReason::kCancelled));
}

// Records which jobs have finished.
class Finished final : public Observer {
 public:
  void job_finished(int, const Job& job, const JobResult&) override {
    const std::lock_guard lock(mutex_);
    ids_.push_back(job.id);
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return ids_.size();
  }
  bool contains(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::find(ids_, id) != ids_.end();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> ids_;  // guarded by mutex_
};

TEST(WorkerSchedules, OneWorkerDoesItsJob) {
  expect_every_schedule([] {
    const Counter done = new_counter();
    {
      Workers workers = start_workers(1, counting(done), nullptr, 1);
      expect_sent(workers.jobs.send(Job{.id = "a"}));
    }
    lab::check(*done == 1, "the job did not run exactly once");
  });
}

TEST(WorkerSchedules, TwoWorkersDoEachJobOnce) {
  const auto scenario = [] {
    const Counter done = new_counter();
    {
      Workers workers = start_workers(2, counting(done), nullptr, 1);
      expect_sent(workers.jobs.send(Job{.id = "a"}));
      expect_sent(workers.jobs.send(Job{.id = "b"}));
    }
    lab::check(*done == 2, "a job was lost or ran twice");
  };
  expect_every_schedule(scenario, {.max_preemptions = preemptions(), .max_spurious_wakeups = 0});
}

TEST(WorkerSchedules, AJobMayBeCanceledAtAnyTime) {
  expect_every_schedule([] {
    std::stop_source stop;
    const auto finished = std::make_shared<Finished>();
    {
      const JobHandler handler = [](const Job&, const Context& ctx) -> JobResult {
        if (const auto why = ctx.err()) return std::unexpected(ended(*why));
        return {};
      };
      Workers workers = start_workers(1, handler, finished, 1);
      expect_sent(workers.jobs.send(Job{.id = "a", .ctx = Context(stop.get_token())}));
      stop.request_stop();
    }
    lab::check(finished->count() == 1, "the job was not reported exactly once");
  });
}

TEST(WorkerSchedules, AFinishedJobIsNoLongerRunning) {
  expect_every_schedule([] {
    RunningJobs running(1, nullptr);
    const Job job{.id = "a"};
    std::jthread worker([&] {
      running.job_started(1, job);
      running.job_finished(1, job, {});
    });
    std::jthread reader([&] {
      const auto finished = running.finished();  // first, as finished() says
      const auto ids = running.ids();
      lab::check(finished == 0 || ids.empty(), "the job has finished and is running");
    });
  });
}

TEST(ShutdownSchedules, ADrainDoesEveryJob) {
  expect_every_schedule([] {
    const Counter done = new_counter();
    Workers workers = start_workers(2, counting(done), nullptr, 2);
    expect_sent(workers.jobs.send(Job{.id = "a"}));
    const ShutdownReport report = shutdown(workers, kNoLimits);
    lab::check(report.outcome == ShutdownOutcome::kDrained, "not drained");
    lab::check(*done == 1, "the job did not run exactly once");
  });
}

// With room for one job, the shutdown begins when the worker has received job a, and often before
// it has started it. With room for two, it may begin before.
TEST(ShutdownSchedules, WithoutADrainEachJobReachesItsHandlerOrIsHandedBack) {
  for (const std::size_t capacity : {1u, 2u}) {
    expect_every_schedule([capacity] {
      const Counter called = new_counter();
      const auto finished = std::make_shared<Finished>();
      const JobHandler handler = [called](const Job& job, const Context& ctx) {
        ++*called;
        return sleep_until_canceled(job, ctx);
      };
      Workers workers = start_workers(1, handler, finished, capacity);
      expect_sent(workers.jobs.send(Job{.id = "a"}));
      expect_sent(workers.jobs.send(Job{.id = "b"}));
      const ShutdownReport report = shutdown(workers, {.drain = 0s, .cancel = kForever});
      const int back = static_cast<int>(report.not_started.size());
      lab::check(report.outcome == ShutdownOutcome::kCancelled, "not canceled");
      lab::check(*called + back == 2, "a job was neither handled nor handed back, or both");
      lab::check(static_cast<int>(finished->count()) + back == 2, "a job was not reported once");
      lab::check(back > 0 && report.not_started.back().id == "b",
                 "job b was not handed back although no worker received it");
    });
  }
}

TEST(ShutdownSchedules, ASecondSignalEndsTheDrain) {
  const auto scenario = [] {
    std::stop_source now;
    Workers workers = start_workers(1, sleep_until_canceled, nullptr, 1);
    expect_sent(workers.jobs.send(Job{.id = "a"}));
    std::jthread second_signal([&] { now.request_stop(); });
    const ShutdownReport report = shutdown(workers, kNoLimits, now.get_token());
    lab::check(report.outcome == ShutdownOutcome::kCancelled, "not canceled");
  };
  expect_every_schedule(scenario, {.max_preemptions = preemptions(), .max_spurious_wakeups = 0});
}

TEST(ShutdownSchedules, AnAbandonedJobIsNamed) {
  expect_every_schedule([] {
    const auto finished = std::make_shared<Finished>();
    const JobHandler handler = [](const Job& job, const Context&) -> JobResult {
      if (job.id == "stuck") std::this_thread::sleep_for(24h);
      return {};
    };
    {
      Workers workers = start_workers(1, handler, finished, 2);
      expect_sent(workers.jobs.send(Job{.id = "stuck"}));
      const ShutdownReport report = shutdown(workers, {.drain = 0s, .cancel = 1s});
      const bool is_back = !report.not_started.empty();
      const bool is_named = !report.still_running.empty();
      lab::check(is_back || is_named || finished->contains("stuck"), "the job is nowhere");
      lab::check(!is_back || !is_named, "the job was handed back and is still running");
    }
    let_abandoned_threads_end();
  });
}

// --- Which jobs still run: in virtual time, so that each thread is exactly as late as it should be

constexpr lab::Options kOnTime{
    .max_preemptions = 1, .max_spurious_wakeups = 0, .early_timeouts = false};

// Between two of the checks that shutdown() makes each millisecond.
constexpr auto kAFewChecks = 4500us;

// Starts workers that name the job "late" only after a few checks, like a thread that loses its
// processor at that point.
std::jthread start_late(int id, Receiver<Job> queue, WaitGroup::Token done, JobHandler handler,
                        std::shared_ptr<Observer> observer, Context pool_ctx) {
  struct NamesLate final : Observer {
    const std::shared_ptr<Observer> next;
    explicit NamesLate(std::shared_ptr<Observer> who) : next(std::move(who)) {}
    void job_started(int worker, const Job& job) override {
      if (job.id == "late") std::this_thread::sleep_for(kAFewChecks);
      next->job_started(worker, job);
    }
    void job_finished(int worker, const Job& job, const JobResult& result) override {
      next->job_finished(worker, job, result);
    }
  };
  return start_thread(id, std::move(queue), std::move(done), std::move(handler),
                      std::make_shared<NamesLate>(std::move(observer)), std::move(pool_ctx));
}

// Sends the two jobs to two workers, and shuts them down once each job was received.
ShutdownReport shut_down_during(const std::string& one, const std::string& other,
                                const JobHandler& handler, ShutdownLimits limits) {
  Workers workers = start_workers(2, handler, nullptr, 2, start_late);
  for (const std::string& id : {one, other}) expect_sent(workers.jobs.send(Job{.id = id}));
  std::this_thread::sleep_for(1ns);
  ShutdownReport report = shutdown(workers, limits);
  std::ranges::sort(report.still_running);
  return report;
}

TEST(ShutdownSchedules, OnlyTheJobThatIgnoresTheCancelIsNamed) {
  expect_every_schedule(
      [] {
        const JobHandler handler = [](const Job& job, const Context& ctx) -> JobResult {
          if (job.id == "stubborn") std::this_thread::sleep_for(24h);
          return sleep_until_canceled(job, ctx);
        };
        const ShutdownReport report =
            shut_down_during("obedient", "stubborn", handler, {.drain = 0s, .cancel = 1s});
        lab::check(report.outcome == ShutdownOutcome::kAbandoned, "not abandoned");
        lab::check(report.still_running == std::vector<std::string>{"stubborn"},
                   "not exactly the job that still runs is named");
        let_abandoned_threads_end();
      },
      kOnTime);
}

TEST(ShutdownSchedules, AJobThatItsWorkerHasOnlyJustReceivedIsNamed) {
  expect_every_schedule(
      [] {
        const JobHandler handler = [](const Job&, const Context&) -> JobResult {
          std::this_thread::sleep_for(24h);
          return {};
        };
        const ShutdownReport report =
            shut_down_during("late", "stuck", handler, {.drain = 0s, .cancel = 0s});
        lab::check(report.outcome == ShutdownOutcome::kAbandoned, "not abandoned");
        lab::check(report.still_running == std::vector<std::string>{"late", "stuck"},
                   "not both of the jobs that still run are named");
        let_abandoned_threads_end();
      },
      kOnTime);
}

// Both end together. Until then, one of two jobs has a name, so shutdown() goes on checking.
TEST(ShutdownSchedules, NoJobIsNamedIfAllWorkersLeaveInTheEnd) {
  expect_every_schedule(
      [] {
        const JobHandler handler = [](const Job& job, const Context&) -> JobResult {
          if (job.id == "slow") std::this_thread::sleep_for(kAFewChecks);
          return {};
        };
        const ShutdownReport report =
            shut_down_during("late", "slow", handler, {.drain = 0s, .cancel = 0s});
        lab::check(report.outcome == ShutdownOutcome::kCancelled, "not canceled");
        lab::check(report.still_running.empty(), "a job that has finished is named");
      },
      kOnTime);
}

// A machine with other work to do lets a thread leave late. Time is virtual here: without early
// timeouts it passes only while no thread can run. Spurious wake-ups of each short wait would be
// ten times as many schedules; other tests have them.
TEST(ShutdownSchedules, IdleWorkersThatLeaveLateAreNotAbandoned) {
  struct LeavesLate {
    ~LeavesLate() { std::this_thread::sleep_for(103ms); }
  };
  expect_every_schedule(
      [] {
        auto late = [owned = std::make_shared<LeavesLate>()](
                        const Job&, const Context&) -> JobResult { return {}; };
        Workers workers = start_workers(2, std::move(late), nullptr, 1);
        const ShutdownReport report = shutdown(workers, {.drain = 0s, .cancel = 0s});
        lab::check(report.outcome == ShutdownOutcome::kDrained, "an idle pool was abandoned");
      },
      {.max_preemptions = 1, .max_spurious_wakeups = 0, .early_timeouts = false});
}

// Members of the group that are no workers make the wait no longer.
TEST(ShutdownSchedules, AnAbandonedPoolExceedsItsLimitsByNoMoreThanPromised) {
  struct LeavesTooLate {
    ~LeavesTooLate() { std::this_thread::sleep_for(24h); }
  };
  expect_every_schedule(
      [] {
        auto late = [owned = std::make_shared<LeavesTooLate>()](
                        const Job&, const Context&) -> JobResult { return {}; };
        Workers workers = start_workers(1, std::move(late), nullptr, 1);
        std::vector<WaitGroup::Token> others;
        for (int i = 0; i < 10; ++i) others.push_back(workers.group.add());
        const ShutdownReport report = shutdown(workers, {.drain = 0s, .cancel = 10ms});
        lab::check(report.outcome == ShutdownOutcome::kAbandoned, "not abandoned");
        lab::check(*report.abandoned_at - report.closed_at <= 10ms + 100ms + 5ms, "too long");
        let_abandoned_threads_end();
      },
      {.max_preemptions = 0, .early_timeouts = false});
}

TEST(ShutdownSchedules, SendersAreRefusedAndKeepTheirJobs) {
  expect_every_schedule([] {
    const Counter done = new_counter();
    Workers workers = start_workers(1, counting(done), nullptr, 1);
    Job job{.id = "a"};
    SendStatus status = SendStatus::kFull;
    std::jthread sender([&] { status = workers.jobs.send(std::move(job)); });
    const ShutdownReport report = shutdown(workers, kNoLimits);
    sender.join();
    const bool is_sent = status == SendStatus::kSent;
    lab::check(is_sent || job.id == "a", "a refused job is no longer the caller's");
    const int back = static_cast<int>(report.not_started.size());
    lab::check(*done + back == (is_sent ? 1 : 0), "the job was lost or is there twice");
  });
}

}  // namespace
}  // namespace worker_pool
