// Starts idle workers and leaves their scope, 100,000 times. The schedules of one such cycle are
// explored in full_pattern/every_schedule. What the explorer does not have is here: the threads of
// this machine, its processors and its libraries. A close that they lose would hang.
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
// 5,000 cycles in all with a sanitizer, which makes starting a thread far slower.
constexpr int kCyclesEach = kSanitized ? 200 : 4'000;

class IdleCycles : public ::testing::TestWithParam<int> {};

TEST_P(IdleCycles, DoNotHang) {
  Watchdog watchdog;
  const int workers = GetParam() % 2 + 1;  // close() must wake a single worker, and all of several
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
