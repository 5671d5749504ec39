// A ResultPool when memory runs out. A program of its own, because scarce_memory replaces operator
// new.
#include <gtest/gtest.h>

#include <expected>
#include <new>
#include <string>
#include <utility>

#include "full_pattern/results/result_pool.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

// For each job, the first allocation fails, then the second, and so on, until the job is accepted.
// The simple channel's deque allocates memory for some of the jobs.
TEST(ResultPool, AJobThatWasNotAcceptedForLackOfMemoryMayBeSubmittedAgain) {
  constexpr int kJobs = 40;
  const Watchdog watchdog;
  ResultPool<int> pool({.workers = 1, .capacity = kJobs, .channel = ChannelKind::kSimple},
                       [](const Job&, const Context&) { return 42; });
  int refused = 0;
  for (int i = 0; i < kJobs; ++i) {
    const std::string id = "a" + std::to_string(i);
    Job job{.id = id};
    for (int allowed = 0; !job.id.empty(); ++allowed) {
      try {
        const ScarceMemory memory(allowed);
        EXPECT_TRUE(pool.try_submit(std::move(job)));
      } catch (const std::bad_alloc&) {
        ++refused;
        ASSERT_EQ(job.id, id) << "the job was refused and is lost";
      }
    }
  }
  EXPECT_GE(refused, kJobs);
}

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
