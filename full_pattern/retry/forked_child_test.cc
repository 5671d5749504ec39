// A Retrier in a child process of fork(). (WP-36)
#include <gtest/gtest.h>

#include <expected>
#include <memory>

#include "full_pattern/forked_child_testing.h"
#include "full_pattern/retry/retrier.h"
#include "full_pattern/retry/retry_queue.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

// The worker holds the queue's lock while it waits at the gate: random numbers are asked for under
// it. So in the child, the lock is never released.
TEST(Retrier, TheDestructorDoesNothingInAForkedChild) {
  const Watchdog watchdog;
  Gate gate(watchdog, "the random number may be returned");
  const auto retries = std::make_shared<RetryQueue>(RetryPolicy{}, nullptr, [&gate] {
    gate.wait();
    return 0.0;
  });
  const auto fail = [](const Job&, const Context&) -> JobResult {
    return std::unexpected(JobError{});
  };
  WorkerPool pool({.workers = 1}, fail, retries);
  auto retrier = std::make_unique<Retrier>(retries, pool);
  ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
  gate.await_arrivals(1);
  EXPECT_EQ(run_in_child(watchdog,
                         [&] {
                           retrier.reset();
                           return kAsPromised;
                         }),
            kAsPromised);
  gate.open();
}

}  // namespace
}  // namespace worker_pool
