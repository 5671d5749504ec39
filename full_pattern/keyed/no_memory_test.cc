// A KeyedPool when memory runs out. A program of its own, because scarce_memory replaces operator
// new.
#include <gtest/gtest.h>

#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include "full_pattern/keyed/keyed_pool.h"
#include "full_pattern/pool_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

std::string id_of(const Job& job) { return job.id; }

class KeyedPoolOn : public ::testing::TestWithParam<ChannelKind> {};
INSTANTIATE_TEST_SUITE_P(Pool, KeyedPoolOn,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);

// Each job has room here and needs several allocations. One after another fails.
TEST_P(KeyedPoolOn, AcceptsAJobOrThrowsAndLeavesIt) {
  constexpr int kJobs = 90;  // the simple channel's deque needs memory once in a while
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for the pool to drain");
  KeyedPool pool({.workers = 1, .capacity = kJobs, .channel = GetParam()}, id_of, succeed);
  std::uint64_t accepted = 0;
  for (int i = 0; i < kJobs; ++i) {
    const std::string id = "a key that is too long for the string object " + std::to_string(i);
    Job job{.id = id};
    allow_allocations(i % 9);
    try {
      if (pool.try_submit(std::move(job)) == SendStatus::kSent) ++accepted;
      allow_allocations(kAllAllocations);
    } catch (const std::bad_alloc&) {
      allow_allocations(kAllAllocations);
      EXPECT_EQ(job.id, id) << "the job was refused and is lost";
    }
  }
  EXPECT_GT(accepted, 0u);
  EXPECT_LT(accepted, static_cast<std::uint64_t>(kJobs));
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  EXPECT_EQ(pool.metrics().succeeded, accepted);
}

}  // namespace
}  // namespace worker_pool
