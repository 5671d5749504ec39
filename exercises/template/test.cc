#include <string>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "NN_name",
    "both workers read the same number, each added one to it, and the second overwrote what the "
    "first had written. Each step was atomic, but the two together were not: one job is missing "
    "from the count, and a thread that waits for all jobs waits forever.");

TEST(JobCount, CountsJobsThatAreDoneAtTheSameTime) {
  expect_every_schedule(kLesson, [] {
    JobCount count;
    lab::thread first("first worker", [&] { count.job_done(); });
    lab::thread second("second worker", [&] { count.job_done(); });
    first.join();
    second.join();
    const int done = count.done();
    lab::check(done == 2, "2 jobs have finished, but the count is " + std::to_string(done));
  });
}

}  // namespace
}  // namespace worker_pool
