#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "13_detached_worker",
    "the worker was detached, then the pool was destroyed, and the worker still had a job to do. "
    "Nobody waits for it: it goes on with a mutex and a queue that are gone, and when the program "
    "ends first, the job is lost.");

// To be called right after the pool's scope: the worker cannot have run in between, so when this
// fails, it has not touched what was destroyed, and never will.
void check_worker_ended(int jobs, int done) {
  lab::check(lab::running_threads() == 1, "the pool is destroyed, and its worker still runs");
  lab::check(done == jobs, "the pool is destroyed, and of " + std::to_string(jobs) + " jobs " +
                               std::to_string(done) + " are done");
}

TEST(DetachedWorker, DestructorWaitsForTheWorker) {
  const lab::Options nobody_is_slow{.early_timeouts = false};
  expect_every_schedule(
      kLesson,
      [] {
        int done = 0;
        {
          Pool pool;
          lab::note("submits a job");
          pool.submit([&] {
            lab::note("starts the job, which takes 10 s");
            lab::this_thread::sleep_for(10s);
            lab::note("finishes the job");
            ++done;
          });
          lab::this_thread::sleep_for(1s);  // then the job has started
          lab::note("leaves the scope of the pool");
        }
        check_worker_ended(1, done);
        lab::check(lab::steady_clock::now().time_since_epoch() == 10s,
                   "the destructor waited by the clock, not for the worker");
      },
      nobody_is_slow);
}

TEST(DetachedWorker, SubmittedJobsAreDone) {
  expect_every_schedule(kLesson, [] {
    int done = 0;
    {
      Pool pool;
      for (int i = 0; i < 2; ++i) pool.submit([&] { ++done; });
      lab::note("leaves the scope of the pool");
    }
    check_worker_ended(2, done);
  });
}

}  // namespace
}  // namespace worker_pool
