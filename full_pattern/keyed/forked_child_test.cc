// A KeyedPool in a child process of fork(). (WP-36)
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "full_pattern/forked_child_testing.h"
#include "full_pattern/keyed/keyed_pool.h"
#include "full_pattern/pool_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

TEST(KeyedPool, TheDestructorDoesNothingInAForkedChild) {
  const Watchdog watchdog;
  auto pool = std::make_unique<KeyedPool>(
      WorkerPool::Options{.workers = 2}, [](const Job& job) { return job.id; }, succeed);
  const std::jthread producer = watchdog.thread("producer: to submit jobs", [&to = *pool] {
    while (to.submit(Job{.id = "a"}) == SendStatus::kSent) {
    }
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(run_in_child(watchdog,
                           [&] {
                             pool.reset();
                             return kAsPromised;
                           }),
              kAsPromised);
  }
  pool->close();
}

}  // namespace
}  // namespace worker_pool
