// The test of an exercise that the files in this folder, in the learner's place, try to pass.
#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson("42_sabotage", "this is what happened.");

TEST(Sabotage, DoesNotPassTheFirstTest) {
  prepare();
  expect_every_schedule(kLesson, [] {
    lab::thread worker("worker", [] { work(1); });
    worker.join();
  });
}

TEST(Sabotage, DoesNotPassTheLastTest) {
  expect_every_schedule(kLesson, [] { work(2); });
}

}  // namespace
}  // namespace worker_pool
