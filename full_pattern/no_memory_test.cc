// A WorkerPool when memory runs out. A program of its own, because scarce_memory replaces operator
// new.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "full_pattern/pool_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step4_shutdown/shutdown.h"
#include "testing/event_log.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

class WorkerPoolOn : public ::testing::TestWithParam<ChannelKind> {};
INSTANTIATE_TEST_SUITE_P(Pool, WorkerPoolOn,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);

TEST_P(WorkerPoolOn, IsDestroyedWithoutMemoryAndStartsNoQueuedJob) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  std::optional<WorkerPool> pool;
  pool.emplace(WorkerPool::Options{.workers = 1, .channel = GetParam()}, until_cancelled(log));
  for (const char* const id : {"a", "b", "c"}) {
    ASSERT_EQ(pool->submit(Job{.id = id}), SendStatus::kSent);
  }
  log->await("start a");
  const auto note = watchdog.waiting("test: for the pool to be destroyed");
  {
    const ScarceMemory memory(0);
    pool.reset();
  }
  EXPECT_THAT(log->events(), ElementsAre("start a", "cancelled a"));
}

// In each round, one more allocation of the shutdown succeeds, until all do.
TEST_P(WorkerPoolOn, AShutdownThatRunsOutOfMemoryLosesNoJob) {
  int rounds = 0;
  for (std::optional<ShutdownReport> first; !first; ++rounds) {
    const Watchdog watchdog;
    const auto held = std::make_shared<Held>(watchdog);
    WorkerPool pool({.workers = 1, .channel = GetParam()}, Held::handler(held));
    ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
    held->log.await("start a");
    for (const char* const id : {"b", "c"}) {
      Job job{.id = id, .payload = std::vector<std::byte>(64)};  // so a copy needs memory
      ASSERT_EQ(pool.submit(std::move(job)), SendStatus::kSent);
    }
    try {
      const ScarceMemory memory(rounds);
      first = pool.shutdown(kAbandonNow);
    } catch (const std::bad_alloc&) {
    }
    const auto note = watchdog.waiting("test: for a shutdown after one without memory");
    const ShutdownReport report = first ? *first : pool.shutdown(kAbandonNow);
    EXPECT_THAT(ids_of(report.not_started), ElementsAre("b", "c"))
        << "with memory for " << rounds << " allocations at first";
    held->gate.open();
  }
  EXPECT_GE(rounds, 4);
}

// The first job in each place of the queue gives nothing back, nor does a worker's first one. So
// the variable has memory after the fourth submit.
TEST(WorkerPool, ASubmittingThreadThatReusesItsVariableSoonAllocatesNothing) {
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for room in the queue");
  WorkerPool pool({.workers = 1, .capacity = 2}, succeed);
  Job job;
  std::optional<ScarceMemory> memory;
  for (int i = 0; i < 20; ++i) {
    if (i == 4) memory.emplace(0);
    job.id.assign("an id that is too long for the string object itself");
    job.payload.assign(64, std::byte{42});
    EXPECT_EQ(pool.submit(std::move(job)), SendStatus::kSent);
    EXPECT_EQ(job.id.size() + job.payload.size(), 0u) << "something of an earlier job is left";
  }
  memory.reset();
  (void)pool.shutdown(kPatient);
}

}  // namespace
}  // namespace worker_pool
