// A ResultPool when memory runs out. A program of its own, because scarce_memory replaces operator
// new.
#include <gtest/gtest.h>

#include <expected>
#include <utility>

#include "full_pattern/results/result_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

// From the handler's return on, its worker has no memory for a copy of the message.
TEST(ResultPool, WithoutMemoryForTheMessageAnErrorArrivesWithoutIt) {
  const Watchdog watchdog;
  ResultPool<int> pool({.workers = 1}, [](const Job&, const Context&) -> Outcome<int> {
    JobError error{.kind = JobError::Kind::kCancelled,
                   .message = "a message that is too long for the string object itself"};
    allow_allocations(0);
    return std::unexpected(std::move(error));
  });
  auto submitted = pool.submit(Job{.id = "a"});
  ASSERT_TRUE(submitted);
  const auto note = watchdog.waiting("test: for the outcome of job a");
  const Outcome<int> outcome = submitted->get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, JobError::Kind::kCancelled);
  EXPECT_EQ(outcome.error().message, "");
}

}  // namespace
}  // namespace worker_pool
