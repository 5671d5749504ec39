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

TEST_P(ForkedChild, ShutdownIsRefused) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(run_in_child(watchdog,
                           [this] {
                             try {
                               (void)pool->shutdown({.drain = 10ms, .cancel = 10ms});
                             } catch (const std::logic_error&) {
                               return kAsPromised;
                             }
                             return 0;
                           }),
              kAsPromised);
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

INSTANTIATE_TEST_SUITE_P(Pool, ForkedChild,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);

}  // namespace
}  // namespace worker_pool
