// 100,000 times: start workers, give them nothing to do, leave the scope. A worker that misses the
// closing of the channel, because it was just about to wait, would hang here sooner or later.
#include <gtest/gtest.h>

#include <string>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step3_dispatcher/dispatcher.h"
#include "testing/sanitized.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

constexpr int kTests = 25;
// With a sanitizer 5,000 in all: a thread costs many times as much there.
constexpr int kCyclesEach = kSanitized ? 200 : 4'000;

class IdleCycles : public ::testing::TestWithParam<int> {};

TEST_P(IdleCycles, DoNotHang) {
  Watchdog watchdog;
  const int workers = GetParam() % 2 + 1;  // closing has to wake the only one, and all of them
  const JobHandler handler = [](const Job&, const Context&) -> JobResult { return {}; };
  const auto note = watchdog.waiting("test: for " + std::to_string(workers) + " idle workers");
  for (int i = 0; i < kCyclesEach; ++i) {
    const Workers pool = start_workers(workers, handler, nullptr);
    ASSERT_EQ(pool.jobs.stats().sent, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(HundredThousand, IdleCycles, ::testing::Range(0, kTests));

}  // namespace
}  // namespace worker_pool
