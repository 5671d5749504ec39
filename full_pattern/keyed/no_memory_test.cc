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

// For each job, the first allocation fails, then the second, and so on, until the job is accepted.
TEST_P(KeyedPoolOn, AcceptsAJobOrThrowsAndLeavesIt) {
  constexpr int kJobs = 40;  // the simple channel's deque allocates memory once in a few jobs
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for the pool to drain");
  KeyedPool pool({.workers = 1, .capacity = kJobs, .channel = GetParam()}, id_of, succeed);
  int refused = 0;
  for (int i = 0; i < kJobs; ++i) {
    const std::string id = "a key that is too long for the string object " + std::to_string(i);
    Job job{.id = id};
    for (int allowed = 0; !job.id.empty(); ++allowed) {
      allow_allocations(allowed);
      try {
        EXPECT_EQ(pool.try_submit(std::move(job)), SendStatus::kSent);
        allow_allocations(kAllAllocations);
      } catch (const std::bad_alloc&) {
        allow_allocations(kAllAllocations);
        ++refused;
        ASSERT_EQ(job.id, id) << "the job was refused and is lost";
      }
    }
  }
  EXPECT_GE(refused, kJobs);
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  EXPECT_EQ(pool.metrics().succeeded, static_cast<std::uint64_t>(kJobs));
}

}  // namespace
}  // namespace worker_pool
