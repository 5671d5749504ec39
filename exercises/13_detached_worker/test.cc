#include <chrono>
#include <string>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "13_detached_worker",
    "the worker was detached, then the pool was destroyed while the worker still had a job to run. "
    "No thread waits for the worker: it goes on using a mutex and a queue that have been "
    "destroyed, and if the program exits first, the job is lost.");

// Must be called right after the pool's scope. The worker cannot run in between, so if this fails,
// the worker has not used the destroyed pool, and never will.
void check_worker_ended(int jobs, int done) {
  lab::check(lab::running_threads() == 1, "the pool has been destroyed, but its worker still runs");
  lab::check(done == jobs, "the pool has been destroyed, but only " + std::to_string(done) +
                               " of " + std::to_string(jobs) + " jobs have run");
}

TEST(DetachedWorker, DestructorWaitsForTheWorker) {
  const lab::Options exact_times{.early_timeouts = false};
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
          lab::this_thread::sleep_for(1s);  // by then the job has started
          lab::note("leaves the pool's scope");
        }
        check_worker_ended(1, done);
        lab::check(lab::steady_clock::now().time_since_epoch() == 10s,
                   "the destructor was woken by the clock, not by the worker");
      },
      exact_times);
}

TEST(DetachedWorker, SubmittedJobsAreDone) {
  expect_every_schedule(kLesson, [] {
    int done = 0;
    {
      Pool pool;
      for (int i = 0; i < 2; ++i) pool.submit([&] { ++done; });
      lab::note("leaves the pool's scope");
    }
    check_worker_ended(2, done);
  });
}

}  // namespace
}  // namespace worker_pool
