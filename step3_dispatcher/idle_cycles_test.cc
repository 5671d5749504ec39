// 100,000 times: start workers, give them nothing to do, leave the scope. A worker that misses the
// closing of the channel, because it was just about to wait, would hang here sooner or later.
#include <gtest/gtest.h>

#include <string>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step3_dispatcher/dispatcher.h"
#include "testing/watchdog.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define WORKER_POOL_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define WORKER_POOL_SANITIZED 1
#endif

namespace worker_pool {
namespace {

constexpr int kTests = 25;
#if defined(WORKER_POOL_SANITIZED)
constexpr int kCyclesEach = 200;  // a thread costs many times as much there: 5,000 in all
#else
constexpr int kCyclesEach = 4'000;  // 100,000 in all
#endif

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
