#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "15_self_join",
    "main let go of the pool while a job still owned it, so the job was the last owner. ~Pool ran "
    "on the worker and joined it: outside the lab join() throws, std::terminate follows, and the "
    "queue is lost with the process.");

// Looks at the end of the pool, on whichever thread that is, before anybody can use what is gone.
std::shared_ptr<Pool> make_pool() {
  const auto end = [](Pool* pool) {
    lab::note("was the last owner of the pool: ~Pool begins");
    std::unique_ptr<Pool>(pool).reset();
    lab::check(lab::running_threads() == 1,
               "the pool is gone, and main is not the only thread left: somebody runs on whom "
               "nobody waits for");
  };
  return {std::make_unique<Pool>().release(), end};
}

// What main does without the pool, and what it finds then.
void expect_done(const std::string& done, const std::string& wanted) {
  lab::this_thread::sleep_for(1h);
  lab::check(lab::running_threads() == 1,
             "an hour after main let go of the pool, its worker is still there");
  lab::check(done == wanted, "done: " + done + "; wanted: " + wanted);
}

TEST(SelfJoin, MainLetsGoWhileAJobRuns) {
  expect_every_schedule(kLesson, [] {
    LabGate gate("first job");
    std::string done;
    {
      const std::shared_ptr<Pool> pool = make_pool();
      const auto first = [&] {
        gate.wait();
        done += "first ";
      };
      submit_both(pool, first, [&] { done += "second "; });
      gate.await_arrival();
      pool->submit([&] { done += "other "; });
      gate.open();
      lab::note("lets go of the pool");
    }
    expect_done(done, "first other second ");
  });
}

// The two jobs belong to the old pool, wherever main's pointer leads meanwhile.
TEST(SelfJoin, MainTakesAnotherPool) {
  const auto scenario = [] {
    std::string done;
    auto pool = std::make_shared<Pool>();
    submit_both(pool, [&] { done += "first "; }, [&] { done += "second "; });
    lab::note("takes another pool instead");
    pool = std::make_shared<Pool>();
    const std::string verdict = "the old pool should be gone, with all its jobs done; done: ";
    lab::check(done == "first second ", verdict + done);
  };
  expect_every_schedule(kLesson, scenario, {.max_spurious_wakeups = 0, .random_schedules = 50});
}

}  // namespace
}  // namespace worker_pool
