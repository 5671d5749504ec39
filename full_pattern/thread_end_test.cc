// A pool whose jobs end the threads of its workers. POSIX.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "full_pattern/pool_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "step4_shutdown/shutdown.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

// Elsewhere, such a job ends the program: forced_unwind.h.
#if defined(__GLIBCXX__) && defined(__GLIBC__)

#include <pthread.h>

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WorkerPoolOn : public ::testing::TestWithParam<ChannelKind> {};
INSTANTIATE_TEST_SUITE_P(Pool, WorkerPoolOn,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);

JobResult end_thread_at(const std::string& id, const Job& job) {
  // Only asks for the end, which then comes at the next cancellation point.
  if (job.id == id) pthread_cancel(pthread_self());
  return {};
}

TEST_P(WorkerPoolOn, WorkersThatAreLeftRunEveryOtherJob) {
  const Watchdog watchdog;
  WorkerPool pool({.workers = 2, .channel = GetParam()},
                  [](const Job& job, const Context&) { return end_thread_at("a", job); });
  ASSERT_EQ(pool.submit({.id = "a"}), SendStatus::kSent);
  watchdog.await("job a to finish", [&] { return pool.metrics().failed == 1; });
  for (std::uint64_t i = 1; i <= 20; ++i) {
    ASSERT_EQ(pool.submit({.id = "b"}), SendStatus::kSent);
    watchdog.await("job " + std::to_string(i) + " after job a to succeed",
                   [&] { return pool.metrics().succeeded == i; });
  }
  const ShutdownReport report = pool.shutdown(kPatient);
  EXPECT_EQ(report.outcome, ShutdownOutcome::kDrained);
  EXPECT_THAT(report.not_started, IsEmpty());
}

TEST_P(WorkerPoolOn, WithoutWorkersAcceptsItsCapacityAndHandsTheJobsBack) {
  const Watchdog watchdog;
  WorkerPool pool({.workers = 2, .capacity = 2, .channel = GetParam()},
                  [](const Job& job, const Context&) { return end_thread_at("end", job); });
  for (int i = 0; i < 2; ++i) ASSERT_EQ(pool.submit({.id = "end"}), SendStatus::kSent);
  watchdog.await("both workers to end", [&] { return pool.metrics().failed == 2; });

  EXPECT_EQ(pool.submit({.id = "a"}), SendStatus::kSent);
  EXPECT_EQ(pool.submit({.id = "b"}), SendStatus::kSent);
  EXPECT_EQ(pool.try_submit({.id = "c"}), SendStatus::kFull);
  EXPECT_EQ(pool.metrics().queued, 2u);
  const auto caller = watchdog.thread("caller: submit() to a full pool without workers", [&] {
    EXPECT_EQ(pool.submit({.id = "d"}), SendStatus::kClosed);
  });

  const auto note = watchdog.waiting("test: for shutdown() to return");
  const ShutdownReport report = pool.shutdown(kPatient);
  EXPECT_EQ(report.outcome, ShutdownOutcome::kCancelled);
  EXPECT_THAT(ids_of(report.not_started), ElementsAre("a", "b"));
  EXPECT_THAT(report.still_running, IsEmpty());
  EXPECT_EQ(pool.metrics().not_started, 2u);
}

TEST_P(WorkerPoolOn, WithoutWorkersIsDestroyedAtOnce) {
  const Watchdog watchdog;
  WorkerPool pool({.workers = 1, .channel = GetParam()},
                  [](const Job& job, const Context&) { return end_thread_at("end", job); });
  ASSERT_EQ(pool.submit({.id = "end"}), SendStatus::kSent);
  watchdog.await("the worker to end", [&] { return pool.metrics().failed == 1; });
  ASSERT_EQ(pool.submit({.id = "dropped"}), SendStatus::kSent);
}

struct LogsFailures : Observer {
  explicit LogsFailures(const Watchdog& watchdog) : log(watchdog) {}
  void job_finished(int, const Job& job, const JobResult& result) override {
    log.add(job.id + (result ? " succeeded" : ": " + result.error().message));
  }
  EventLog log;
};

// The system's record of a thread is not the same once no thread waits for it.
TEST_P(WorkerPoolOn, ReportsAnAbandonedJobThatEndsItsThread) {
  const Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the abandoned job may go on");
  const auto failures = std::make_shared<LogsFailures>(watchdog);
  const JobHandler handler = [gate](const Job&, const Context&) -> JobResult {
    gate->wait();
    pthread_exit(nullptr);
  };
  WorkerPool pool({.workers = 1, .channel = GetParam()}, handler, failures);
  ASSERT_EQ(pool.submit({.id = "a"}), SendStatus::kSent);
  gate->await_arrivals(1);
  EXPECT_THAT(pool.shutdown(kAbandonNow).still_running, ElementsAre("a"));
  gate->open();
  failures->log.await("a: thread exited");
}

}  // namespace
}  // namespace worker_pool

#else

TEST(WorkerPool, JobThatEndsItsThreadIsNotSupportedHere) {
  GTEST_SKIP() << "pthread_cancel() in a job ends the program";
}

#endif
