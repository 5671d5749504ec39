// A test whose second scenario never runs, because the learner's file says so.
#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson("42_sabotage", "this is what happened.");

TEST(Sabotage, LeavesOutAScenario) {
  expect_every_schedule(kLesson, [] {});
  for (int jobs = 0; jobs < kJobs; ++jobs) {
    expect_every_schedule(kLesson, [] { lab::check(false, "the work failed"); });
  }
}

}  // namespace
}  // namespace worker_pool
