// A channel when memory runs out. A program of its own, because scarce_memory replaces operator
// new.
#include <gtest/gtest.h>

#include <cstddef>
#include <new>

#include "step2_worker/channel.h"
#include "step2_worker/channel_testing.h"
#include "step2_worker/channel_under_test.h"
#include "testing/scarce_memory.h"

namespace worker_pool {
namespace {

// shutdown() depends on this: it hands the jobs back at the second call.
TEST_P(Channel, KeepsTheValuesThatItHasNoMemoryToHandBack) {
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  {
    const ScarceMemory memory(0);
    EXPECT_THROW((void)jobs.close_and_take_pending(), std::bad_alloc);
  }
  EXPECT_EQ(jobs.try_send(0), SendStatus::kClosed);
  EXPECT_EQ(jobs.stats().queued, static_cast<std::size_t>(capacity()));
  EXPECT_EQ(jobs.close_and_take_pending(), numbers(1, capacity()));
}

}  // namespace
}  // namespace worker_pool
