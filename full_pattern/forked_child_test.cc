// A pool in a child process of fork(), which has a copy of the pool and none of its threads.
// (WP-36)
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "full_pattern/forked_child_testing.h"
#include "full_pattern/pool_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

class ForkedChild : public ::testing::TestWithParam<ChannelKind> {
 protected:
  const Watchdog watchdog;
  std::unique_ptr<WorkerPool> pool = std::make_unique<WorkerPool>(
      WorkerPool::Options{.workers = 2, .channel = GetParam()}, succeed);
  std::jthread producer = watchdog.thread("producer: to submit jobs", [this] {
    WorkerPool& to = *pool;
    while (to.submit(Job{}) == SendStatus::kSent) {
    }
  });
};

int refuses_to_shut_down(WorkerPool& pool) {
  try {
    (void)pool.shutdown({.drain = 10ms, .cancel = 10ms});
  } catch (const std::logic_error&) {
    return kAsPromised;
  }
  return 0;
}

TEST_P(ForkedChild, ShutdownIsRefused) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(run_in_child(watchdog, [this] { return refuses_to_shut_down(*pool); }), kAsPromised);
  }
  EXPECT_EQ(pool->shutdown(kPatient).outcome, ShutdownOutcome::kDrained) << "in the parent";
}

TEST_P(ForkedChild, TheDestructorDoesNothing) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(run_in_child(watchdog,
                           [this] {
                             pool.reset();
                             return kAsPromised;
                           }),
              kAsPromised);
  }
  pool->close();
}

class ForkedDuringAShutdown : public ::testing::TestWithParam<ChannelKind> {};

// In the child, the lock of shutdown() stays locked: its owner exists only in the parent. It took
// the lock before it closed the pool.
TEST_P(ForkedDuringAShutdown, ShutdownIsRefused) {
  const Watchdog watchdog;
  const auto held = std::make_shared<Held>(watchdog);
  WorkerPool pool({.workers = 1, .channel = GetParam()}, Held::handler(held));
  ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
  const auto owner = watchdog.thread("owner: shutdown", [&] { (void)pool.shutdown(kPatient); });
  watchdog.await("the shutdown to close the pool",
                 [&] { return pool.try_submit(Job{.id = "probe"}) == SendStatus::kClosed; });
  EXPECT_EQ(run_in_child(watchdog, [&pool] { return refuses_to_shut_down(pool); }), kAsPromised);
  held->gate.open();
}

INSTANTIATE_TEST_SUITE_P(Pool, ForkedDuringAShutdown,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);
INSTANTIATE_TEST_SUITE_P(Pool, ForkedChild,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);

}  // namespace
}  // namespace worker_pool
