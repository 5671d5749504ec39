// A KeyedPool whose jobs end the threads of its workers. POSIX.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "full_pattern/keyed/keyed_pool.h"
#include "full_pattern/keyed/keyed_testing.h"
#include "full_pattern/pool_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step4_shutdown/shutdown.h"
#include "testing/watchdog.h"

// Elsewhere, such a job ends the program: forced_unwind.h.
#if defined(__GLIBCXX__) && defined(__GLIBC__)

#include <pthread.h>

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

// One of the jobs is in the pool's queue, one waits for room there, and one for its key.
TEST(KeyedPool, WithoutWorkersADrainWithoutALimitHandsTheJobsBack) {
  const Watchdog watchdog;
  KeyedPool pool({.workers = 2, .capacity = 2}, first_letter_of,
                 [](const Job& job, const Context&) -> JobResult {
                   if (job.id.ends_with("end")) pthread_cancel(pthread_self());
                   return {};
                 });
  for (const char* const id : {"1 end", "2 end"}) {
    ASSERT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
  }
  watchdog.await("both workers to end", [&] { return pool.metrics().failed == 2; });
  for (const char* const id : {"a1", "a2", "b1", "c1"}) {
    ASSERT_EQ(pool.try_submit(Job{.id = id}), SendStatus::kSent);
  }
  const auto note = watchdog.waiting("test: for shutdown() to return");
  const ShutdownReport report = pool.shutdown(kPatient);
  EXPECT_EQ(report.outcome, ShutdownOutcome::kCancelled);
  EXPECT_THAT(ids_of(report.not_started), ElementsAre("a1", "b1", "c1", "a2"));
}

// No job reports that this worker has ended.
TEST(KeyedPool, AWorkerThatWasCanceledWhileItWaitedMakesTheDrainTakeItsLimit) {
  const Watchdog watchdog;
  std::atomic<pthread_t> thread;
  auto of_the_handler = std::make_shared<int>();
  const std::weak_ptr<int> of_the_worker = of_the_handler;
  KeyedPool pool({.workers = 1}, first_letter_of,
                 [&thread, kept = std::move(of_the_handler)](const Job&, const Context&) {
                   thread = pthread_self();
                   return JobResult();
                 });
  ASSERT_EQ(pool.submit(Job{.id = "a1"}), SendStatus::kSent);
  watchdog.await("job a1 to finish", [&] { return pool.metrics().succeeded == 1; });
  pthread_cancel(thread);
  watchdog.await("the worker to end", [&] { return of_the_worker.expired(); });
  for (const char* const id : {"a2", "a3"}) {
    ASSERT_EQ(pool.try_submit(Job{.id = id}), SendStatus::kSent);
  }
  const auto note = watchdog.waiting("test: for shutdown() to return");
  const ShutdownReport report = pool.shutdown({.drain = 10ms});
  EXPECT_EQ(report.outcome, ShutdownOutcome::kCancelled);
  ASSERT_TRUE(report.cancelled_at);
  EXPECT_GE(*report.cancelled_at - report.closed_at, 10ms);
  EXPECT_THAT(ids_of(report.not_started), ElementsAre("a2", "a3"));
}

}  // namespace
}  // namespace worker_pool

#else

TEST(KeyedPool, JobThatEndsItsThreadIsNotSupportedHere) {
  GTEST_SKIP() << "pthread_cancel() in a job ends the program";
}

#endif
