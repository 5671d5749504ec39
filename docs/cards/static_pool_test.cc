// A pool with static storage is destroyed at exit, after every static object that was constructed
// later. Its jobs still run meanwhile. (WP-35)
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>

#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ExitedWithCode;

void print(const char* line) { std::fprintf(stderr, "%s\n", line); }

// Stands for a cache, a registry or a logger that the jobs use.
struct Cache {
  ~Cache() { print("the cache has been destroyed"); }
};

void construct_cache() { static const Cache cache; }

// Runs until the pool's destructor cancels it.
JobHandler endless_job(const std::shared_ptr<std::promise<void>>& started) {
  return [started](const Job&, const Context& ctx) -> JobResult {
    started->set_value();
    (void)ctx.sleep_for(kForever);
    print("a job still runs");
    return {};
  };
}

void submit_and_await_start(WorkerPool& pool, std::promise<void>& started) {
  if (pool.submit(Job{}) == SendStatus::kSent) started.get_future().wait();
}

class StaticPoolDeathTest : public ::testing::Test {
 protected:
  StaticPoolDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(StaticPoolDeathTest, JobsOutliveTheStaticObjectsThatTheyUse) {
  const auto exit_with_a_static_pool = [] {
    const Watchdog watchdog;
    const auto started = std::make_shared<std::promise<void>>();
    static WorkerPool pool({.workers = 1}, endless_job(started));
    submit_and_await_start(pool, *started);
    construct_cache();  // as the first job that needs it would do
    std::exit(0);
  };
  EXPECT_EXIT(exit_with_a_static_pool(), ExitedWithCode(0),
              "the cache has been destroyed\na job still runs\n");
}

TEST_F(StaticPoolDeathTest, JobsOfAPoolInMainDoNot) {
  const auto exit_with_a_local_pool = [] {
    const Watchdog watchdog;
    {
      const auto started = std::make_shared<std::promise<void>>();
      WorkerPool pool({.workers = 1}, endless_job(started));
      submit_and_await_start(pool, *started);
      construct_cache();
    }
    std::exit(0);
  };
  EXPECT_EXIT(exit_with_a_local_pool(), ExitedWithCode(0),
              "a job still runs\nthe cache has been destroyed\n");
}

}  // namespace
}  // namespace worker_pool
