#include <memory>
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

// No thread is delayed for as long as the jobs and the sleeps below. A thread that polls for ten
// years takes more steps than a schedule may have.
constexpr lab::Options kExactTimes{.early_timeouts = false, .random_schedules = 50};
constexpr auto kYear = 24h * 365;

TEST(DetachedWorker, LongJobsRunOneAfterAnother) {
  expect_every_schedule(
      kLesson,
      [] {
        std::string order;
        {
          Pool pool;
          lab::this_thread::sleep_for(10 * kYear);
          lab::note("submits 3 jobs, each of which takes a year");
          for (const char* name : {"1", "2", "3"}) {
            pool.submit([&order, name] {
              lab::this_thread::sleep_for(kYear);
              order += name;
            });
          }
        }
        check_worker_ended(3, static_cast<int>(order.size()));
        lab::check(order == "123", "the jobs ran in the order " + order + "; wanted: 123");
        lab::check(lab::steady_clock::now().time_since_epoch() == 13 * kYear,
                   "the jobs did not run one after another, or the destructor returned late");
      },
      kExactTimes);
}

TEST(DetachedWorker, APoolWithoutJobsIsDestroyed) {
  expect_every_schedule(kLesson, [] {
    {
      Pool pool;
    }
    check_worker_ended(0, 0);
  });
}

TEST(DetachedWorker, TwoThreadsMaySubmit) {
  const auto scenario = [] {
    int done = 0;
    {
      Pool pool;
      lab::thread first("producer 1", [&] { pool.submit([&] { ++done; }); });
      lab::thread second("producer 2", [&] { pool.submit([&] { ++done; }); });
      first.join();
      second.join();
    }
    check_worker_ended(2, done);
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1, .max_spurious_wakeups = 0, .random_schedules = 20});
}

struct SubmitsWhenDestroyed {
  SubmitsWhenDestroyed(Pool& its_pool, int& its_done) : pool(its_pool), done(its_done) {}
  ~SubmitsWhenDestroyed() {
    pool.submit([&counter = done] { ++counter; });
  }

  Pool& pool;
  int& done;
};

// A job submits a second one. When the second is destroyed, the object that it owns submits a
// third.
TEST(DetachedWorker, JobsOfJobsAreDone) {
  expect_every_schedule(kLesson, [] {
    int done = 0;
    {
      Pool pool;
      pool.submit([&] {
        ++done;
        const auto last = std::make_shared<SubmitsWhenDestroyed>(pool, done);
        pool.submit([&, last] { ++done; });
      });
      lab::note("leaves the pool's scope");
    }
    check_worker_ended(3, done);
  });
}

}  // namespace
}  // namespace worker_pool
