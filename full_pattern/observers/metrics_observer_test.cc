#include "full_pattern/observers/metrics_observer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step4_shutdown/shutdown.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr ShutdownLimits kPatient = {.drain = kForever};

std::uint64_t finished(const MetricsObserver::Snapshot& seen) {
  return seen.succeeded + seen.failed + seen.threw + seen.cancelled + seen.deadline_exceeded +
         seen.shut_down;
}

JobResult failure(JobError::Kind kind) { return std::unexpected(JobError{kind, "for the test"}); }

// An observer with a clock that the test sets, without a pool.
class MetricsObserverAlone : public ::testing::Test {
 protected:
  void finish(int worker, const Job& job, const JobResult& result = {}) {
    observer_.job_finished(worker, job, result);
  }

  Clock::time_point now_{1h};
  MetricsObserver observer_{[this] { return now_; }};
};

// The pool would drop what it throws, and count nothing.
TEST(MetricsObserver, RefusesAnEmptyClock) {
  EXPECT_THROW(MetricsObserver(nullptr), std::invalid_argument);
}

TEST_F(MetricsObserverAlone, CountsEachResultApart) {
  int count = 0;
  const auto finish_some_more = [&](const JobResult& result) {
    ++count;
    for (int i = 0; i < count; ++i) finish(1, Job{}, result);
  };
  finish_some_more({});
  finish_some_more(failure(JobError::Kind::kFailed));
  finish_some_more(failure(JobError::Kind::kThrew));
  finish_some_more(failure(JobError::Kind::kCancelled));
  finish_some_more(failure(JobError::Kind::kDeadlineExceeded));
  finish_some_more(failure(JobError::Kind::kShutDown));
  const auto seen = observer_.snapshot();
  EXPECT_EQ(seen.succeeded, 1u);
  EXPECT_EQ(seen.failed, 2u);
  EXPECT_EQ(seen.threw, 3u);
  EXPECT_EQ(seen.cancelled, 4u);
  EXPECT_EQ(seen.deadline_exceeded, 5u);
  EXPECT_EQ(seen.shut_down, 6u);
}

TEST_F(MetricsObserverAlone, MeasuresTheWaitUpToTheStartAndTheRunFromThere) {
  const Job job{.submitted = now_};
  now_ += 20ms;
  observer_.job_started(1, job);
  now_ += 3s;
  finish(1, job);
  const auto seen = observer_.snapshot();
  EXPECT_EQ(seen.queue_wait.count(), 1u);
  EXPECT_EQ(seen.queue_wait.max(), 20ms);
  EXPECT_EQ(seen.run_time.count(), 1u);
  EXPECT_EQ(seen.run_time.max(), 3s);
}

TEST_F(MetricsObserverAlone, JobThatWasNeverStartedHasWaitedToItsEndAndDidNotRun) {
  const Job job{.submitted = now_};
  now_ += 2s;
  finish(1, job, failure(JobError::Kind::kDeadlineExceeded));
  const auto seen = observer_.snapshot();
  EXPECT_EQ(seen.queue_wait.count(), 1u);
  EXPECT_EQ(seen.queue_wait.max(), 2s);
  EXPECT_EQ(seen.run_time.count(), 0u);
}

TEST_F(MetricsObserverAlone, EarlierRunOfTheSameWorkerIsOver) {
  observer_.job_started(1, Job{});
  finish(1, Job{});
  now_ += 1h;
  finish(1, Job{}, failure(JobError::Kind::kCancelled));  // never started
  EXPECT_EQ(observer_.snapshot().run_time.count(), 1u);
  EXPECT_EQ(observer_.snapshot().run_time.max(), 0s);
}

TEST_F(MetricsObserverAlone, JobWithoutATimeOfSubmissionDoesNotCountAsAWait) {
  observer_.job_started(1, Job{});
  finish(1, Job{});
  finish(1, Job{}, failure(JobError::Kind::kCancelled));
  const auto seen = observer_.snapshot();
  EXPECT_EQ(seen.queue_wait.count(), 0u);
  EXPECT_EQ(seen.run_time.count(), 1u);
}

TEST_F(MetricsObserverAlone, KeepsTheTimesOfEachWorkerApart) {
  observer_.job_started(1, Job{});
  now_ += 1s;
  observer_.job_started(2, Job{});
  EXPECT_EQ(observer_.snapshot().running, 2u);
  now_ += 1s;
  finish(1, Job{});
  EXPECT_EQ(observer_.snapshot().running, 1u);
  EXPECT_EQ(observer_.snapshot().run_time.max(), 2s);
  finish(2, Job{});
  EXPECT_EQ(observer_.snapshot().running, 0u);
  EXPECT_EQ(observer_.snapshot().run_time.sum(), 3s);
}

TEST(MetricsObserver, SeesWhatRunsInAPoolAndWhatHasRun) {
  const Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "jobs may finish");
  const auto observer = std::make_shared<MetricsObserver>();
  const Clock::time_point start = Clock::now();
  WorkerPool pool(
      {.workers = 2},
      [gate](const Job&, const Context&) {
        gate->wait();
        return JobResult();
      },
      observer);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(pool.submit(Job{}), SendStatus::kSent);
  gate->await_arrivals(2);
  EXPECT_EQ(observer->snapshot().running, 2u);
  EXPECT_EQ(observer->snapshot().queue_wait.count(), 2u) << "the third job still waits";
  EXPECT_EQ(finished(observer->snapshot()), 0u);

  gate->open();
  (void)pool.shutdown(kPatient);
  const Clock::duration whole_test = Clock::now() - start;
  const auto seen = observer->snapshot();
  EXPECT_EQ(seen.running, 0u);
  EXPECT_EQ(seen.succeeded, 3u);
  EXPECT_EQ(seen.queue_wait.count(), 3u);
  EXPECT_EQ(seen.run_time.count(), 3u);
  EXPECT_LE(seen.queue_wait.max() + seen.run_time.max(), 2 * whole_test);
}

// A snapshot taken halfway through an event would break the equation.
TEST(MetricsObserver, EverySnapshotAddsUp) {
  const Watchdog watchdog;
  MetricsObserver observer;
  std::atomic<int> busy = 3;
  std::vector<std::jthread> workers;
  for (int id = 1; id <= 3; ++id) {
    workers.push_back(watchdog.thread("worker: notifies the observer", [&observer, &busy, id] {
      const Job job{.submitted = Clock::now()};
      for (int i = 0; i < 10'000; ++i) {
        if (i % 2 == 0) observer.job_started(id, job);
        observer.job_finished(id, job, {});
      }
      --busy;
    }));
  }
  watchdog.await("the workers", [&] {
    const auto seen = observer.snapshot();
    EXPECT_EQ(seen.queue_wait.count(), seen.running + finished(seen));
    return busy == 0 || ::testing::Test::HasFailure();  // one failure is enough
  });
  workers.clear();  // joins them
  EXPECT_EQ(finished(observer.snapshot()), 30'000u);
}

}  // namespace
}  // namespace worker_pool
