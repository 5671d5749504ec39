// With LAB_REPLAY in the environment, only that schedule runs. BUILD sets the variable for this
// test.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "exercises/harness/lesson.h"
#include "testing/lab/lab.h"

namespace worker_pool {
namespace {

TEST(LessonReplay, RunsTheScheduleOfTheEnvironment) {
  static int runs = 0;
  EXPECT_NONFATAL_FAILURE(expect_every_schedule({"42_the_lesson", "this is what happened."},
                                                [] {
                                                  ++runs;
                                                  bool worker_came = false;
                                                  lab::jthread worker([&] { worker_came = true; });
                                                  lab::this_thread::yield();
                                                  lab::check(!worker_came, "worker came first");
                                                }),
                          "The replayed schedule breaks it (LAB_REPLAY=0.1):");
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace worker_pool
