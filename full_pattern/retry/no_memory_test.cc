// A Retrier and its queue when memory runs out. A program of its own, because scarce_memory
// replaces operator new.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "full_pattern/retry/retrier.h"
#include "full_pattern/retry/retry_queue.h"
#include "full_pattern/retry/retry_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/observer.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// The observer behind the queue. Needs no memory.
struct CountEnds : Observer {
  void job_finished(int, const Job&, const JobResult&) override { ++count; }
  int count = 0;
};

// The first allocation fails, then the second, and so on, until the job waits.
TEST(RetrierWithoutMemory, AJobThatCannotWaitIsReported) {
  const Watchdog watchdog;
  const auto ends = std::make_shared<CountEnds>();
  const auto retries = std::make_shared<RetryQueue>(kInAnHour, ends);
  WorkerPool pool({}, succeed);
  Retrier retrier(retries, pool);
  const std::string id = "an id that is too long for the string object itself";
  const Job job{.id = id, .payload = std::vector<std::byte>(3)};
  const JobResult error = failed("a message that is too long for the string object itself");
  int reported = 0;
  while (true) {
    {
      const ScarceMemory memory(reported);
      retries->job_finished(1, job, error);
    }
    if (ends->count == reported) break;
    ASSERT_EQ(ends->count, ++reported);
  }
  EXPECT_GE(reported, 3) << "the id, the payload and the message need memory";
  const std::vector<WaitingJob> waiting = retrier.stop();
  ASSERT_THAT(ids_of(waiting), ElementsAre(id));
  EXPECT_EQ(waiting[0].job.payload.size(), 3u);
  EXPECT_EQ(waiting[0].tries, 1) << "the tries of a job that was reported are forgotten";
}

TEST(RetrierWithoutMemory, AStopThatRunsOutOfMemoryLosesNoJob) {
  const Watchdog watchdog;
  const auto retries = std::make_shared<RetryQueue>(kInAnHour, nullptr);
  WorkerPool pool({}, succeed);
  Retrier retrier(retries, pool);
  for (const char* const id : {"a", "b", "c"}) {
    retries->job_finished(1, Job{.id = id}, failed("no"));
  }
  int rounds = 0;
  for (std::vector<WaitingJob> waiting; waiting.empty(); ++rounds) {
    ASSERT_LT(rounds, 10) << "the jobs are lost";
    try {
      const ScarceMemory memory(rounds);
      waiting = retrier.stop();
    } catch (const std::bad_alloc&) {
      continue;
    }
    EXPECT_THAT(ids_of(waiting), ElementsAre("a", "b", "c"));
  }
  EXPECT_GE(rounds, 2) << "there was memory from the start";
}

#ifdef __GLIBCXX__  // another library's deque may keep the memory that it needs
// The simple channel's deque needs memory for some of the jobs that the Retrier submits.
TEST(RetrierWithoutMemory, ItsThreadLeavesTheJobsThatItCannotSubmitToStop) {
  constexpr int kJobs = 40;
  const Watchdog watchdog;
  const auto tries = std::make_shared<Tries>();
  const auto retries = std::make_shared<RetryQueue>(kSoon, nullptr);
  WorkerPool pool({.workers = 1, .capacity = kJobs, .channel = ChannelKind::kSimple},
                  succeeds_at_try(1, tries), retries);
  ASSERT_EQ(pool.submit(Job{.id = "first"}), SendStatus::kSent);
  watchdog.await("the worker to use memory", [&] { return pool.metrics().succeeded == 1; });
  allow_allocations_on_new_threads(0);
  Retrier retrier(retries, pool);
  for (int i = 0; i < kJobs; ++i) {
    retries->job_finished(1, Job{.id = std::to_string(i)}, failed("no"));
  }
  watchdog.await("the Retrier to run out of memory", [] { return failed_allocations() > 0; });
  allow_allocations_on_new_threads(kAllAllocations);

  const auto note = watchdog.waiting("test: for the pool to drain");
  (void)pool.shutdown(kPatient);
  const std::vector<WaitingJob> waiting = retrier.stop();
  EXPECT_GE(waiting.size(), 1u);
  EXPECT_EQ(pool.metrics().succeeded + waiting.size(), static_cast<std::uint64_t>(kJobs + 1));
  for (const std::string& id : ids_of(waiting)) EXPECT_EQ(tries->of(id), 0) << "job " << id;
}
#endif

}  // namespace
}  // namespace worker_pool
