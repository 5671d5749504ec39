#include <gtest/gtest.h>

#include <string>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "NN_name",
    "both workers saw the same number, each added its own job to it, and the second one wrote over "
    "what the first had written. Each step was atomic, the two together were not: one job is "
    "missing from the count, and whoever waits for all of them waits for ever.");

TEST(JobCount, CountsJobsThatAreDoneAtTheSameTime) {
  expect_every_schedule(kLesson, [] {
    JobCount count;
    lab::thread first("first worker", [&] { count.job_done(); });
    lab::thread second("second worker", [&] { count.job_done(); });
    first.join();
    second.join();
    const int done = count.done();
    lab::check(done == 2, "2 jobs are done, and the count says " + std::to_string(done));
  });
}

}  // namespace
}  // namespace worker_pool
