// A KeyedPool in a child process of fork(). (WP-36) A program of its own, because scarce_memory
// replaces operator new.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <utility>

#include "full_pattern/forked_child_testing.h"
#include "full_pattern/keyed/keyed_pool.h"
#include "full_pattern/pool_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

// Submitting a job allocates memory under the lock, for a list and for a map. The children are
// forked there, so in them the lock is never released.
TEST(KeyedPool, TheDestructorDoesNothingInAForkedChild) {
  const Watchdog watchdog;
  auto pool = std::make_unique<KeyedPool>(
      WorkerPool::Options{.workers = 2}, [](const Job& job) { return job.id; }, succeed);
  int children = 0;
  const std::function<void()> destroy_in_child = [&] {
    ++children;
    EXPECT_EQ(run_in_child(watchdog,
                           [&] {
                             pool.reset();
                             return kAsPromised;
                           }),
              kAsPromised);
  };
  Job job{.id = "a"};
  before_each_allocation(&destroy_in_child);
  EXPECT_EQ(pool->submit(std::move(job)), SendStatus::kSent);
  before_each_allocation(nullptr);
  EXPECT_GE(children, 2);
}

}  // namespace
}  // namespace worker_pool
