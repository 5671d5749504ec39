// Workers that cannot be started because memory runs out. A program of its own, because
// scarce_memory replaces operator new.
#include <gtest/gtest.h>

#include <memory>
#include <new>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step3_dispatcher/dispatcher.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

// The first allocation fails, then the second, and so on, until all workers start.
TEST(StartWorkers, WithoutMemoryForAllNoneIsLeft) {
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for start_workers() to join those that did start");
  const auto owned = std::make_shared<int>();
  const JobHandler handler = [owned](const Job&, const Context&) { return JobResult(); };
  const long owners = owned.use_count();
  int refused = 0;
  for (bool started = false; !started;) {
    try {
      const ScarceMemory memory(refused);
      const Workers workers = start_workers(3, handler, nullptr);
      started = true;
    } catch (const std::bad_alloc&) {
      ++refused;
    }
    EXPECT_EQ(owned.use_count(), owners) << "a worker is left that has the handler";
  }
  EXPECT_GE(refused, 5);
}

}  // namespace
}  // namespace worker_pool
