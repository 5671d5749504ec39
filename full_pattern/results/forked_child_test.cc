// A ResultPool in a child process of fork(). (WP-36)
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>

#include "full_pattern/forked_child_testing.h"
#include "full_pattern/pool_testing.h"
#include "full_pattern/results/result_pool.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

// The table of promises is locked in order to answer them. The child finds out whether that was
// tried: a lock that is held at the fork would make it hang, but not in every run.
TEST(ResultPool, TheDestructorDoesNothingInAForkedChild) {
  const Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the job may finish");
  auto pool = std::make_unique<ResultPool<int>>(WorkerPool::Options{.workers = 1},
                                                [gate](const Job&, const Context&) {
                                                  gate->wait();
                                                  return 42;
                                                });
  auto outcome = pool->submit(Job{.id = "a"});
  ASSERT_TRUE(outcome);
  gate->await_arrivals(1);
  EXPECT_EQ(run_in_child(watchdog,
                         [&] {
                           pool.reset();
                           const bool is_answered =
                               outcome->wait_for(0s) == std::future_status::ready;
                           return is_answered ? 0 : kAsPromised;
                         }),
            kAsPromised)
      << "the destructor has answered the promise";
  gate->open();
}

}  // namespace
}  // namespace worker_pool
