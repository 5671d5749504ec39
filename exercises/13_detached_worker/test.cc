#include <string>
#include <utility>

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

// What a job sees if the worker runs it.
void check_threads() {
  lab::check(lab::running_threads() == 2,
             "the only worker must run the jobs, but there are other threads than main and the "
             "worker, or main runs a job after the worker has exited");
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

// A load may return an older value, unless a memory order forbids it, as on real machines. This
// counts as a preemption.
TEST(DetachedWorker, SubmittedJobsAreDone) {
  const auto scenario = [] {
    int done = 0;
    {
      Pool pool;
      for (int i = 0; i < 2; ++i) pool.submit([&] { ++done; });
      lab::note("leaves the pool's scope");
    }
    check_worker_ended(2, done);
  };
  expect_every_schedule(kLesson, scenario, {.stale_reads = true});
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
        const auto job = [&order](char name) {
          return [&order, name] {
            check_threads();
            lab::this_thread::sleep_for(kYear);
            order += name;
          };
        };
        {
          Pool pool;
          pool.submit(job('0'));
          lab::this_thread::sleep_for(10 * kYear);
          lab::check(lab::running_threads() == 2,
                     "the worker has no job and has exited; wanted: it sleeps until there is one");
          lab::note("submits 3 jobs, each of which takes a year; the first submits a fourth");
          pool.submit([&pool, first = job('1'), fourth = job('4')] {
            first();
            pool.submit(fourth);
          });
          pool.submit(job('2'));
          pool.submit(job('3'));
          lab::this_thread::sleep_for(3 * kYear / 2);
          lab::note("submits the fifth job, half a year after the fourth was submitted");
          pool.submit(job('5'));
        }
        check_worker_ended(6, static_cast<int>(order.size()));
        lab::check(order == "012345", "the jobs ran in the order " + order + "; wanted: 012345");
        lab::check(lab::steady_clock::now().time_since_epoch() == 15 * kYear,
                   "the jobs did not run one after another, or the destructor returned late");
      },
      kExactTimes);
}

TEST(DetachedWorker, AWorkerSleepsHoweverOftenItWakesUp) {
  expect_every_schedule(kLesson,
                        [] {
                          int done = 0;
                          {
                            Pool pool;
                            lab::this_thread::sleep_for(1h);  // the worker wakes up for no reason
                            pool.submit([&] { ++done; });
                          }
                          check_worker_ended(1, done);
                        },
                        {.max_preemptions = 0, .max_spurious_wakeups = 12, .random_schedules = 0});
}

TEST(DetachedWorker, APoolWithoutJobsIsDestroyedAtOnce) {
  const auto scenario = [] {
    {
      Pool pool;
      Pool other;
    }
    check_worker_ended(0, 0);
    lab::check(lab::steady_clock::now().time_since_epoch() == 0s,
               "the destructor waited although there was no job");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1, .early_timeouts = false, .random_schedules = 20});
}

// The worker of the inner pool has no job for an hour, then one that takes an hour.
TEST(DetachedWorker, AJobMayUseAndDestroyAnotherPool) {
  const auto scenario = [] {
    Pool outer;
    outer.submit([] {
      LabGate started("the inner pool's job");
      bool done = false;
      {
        Pool inner;
        lab::this_thread::sleep_for(1h);
        lab::note("submits a job to the inner pool, and waits until it starts");
        inner.submit([&] {
          started.open();
          lab::this_thread::sleep_for(1h);
          done = true;
        });
        started.wait();
        lab::note("leaves the inner pool's scope");
      }
      lab::check(lab::running_threads() == 2,
                 "a job has destroyed another pool, but the worker of that pool still runs");
      lab::check(done, "a job has destroyed another pool, but a job of that pool has not finished");
    });
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .early_timeouts = false, .random_schedules = 20});
}

// A job waits for a job of another pool, which submits one to this pool.
TEST(DetachedWorker, AJobOfAnotherPoolMaySubmitDuringTheDestruction) {
  const auto scenario = [] {
    int done = 0;
    {
      Pool pool;
      pool.submit([&] {
        lab::this_thread::sleep_for(1h);
        lab::note("lets a job of another pool submit a job");
        Pool().submit([&] { pool.submit([&] { ++done; }); });
        ++done;
      });
      lab::note("leaves the pool's scope");
    }
    check_worker_ended(2, done);
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .early_timeouts = false, .random_schedules = 20});
}

TEST(DetachedWorker, AJobMaySubmitThousandsOfJobs) {
  const auto scenario = [] {
    constexpr int kJobs = 2'000;
    int done = 0;
    {
      Pool pool;
      pool.submit([&] {
        for (int i = 0; i < kJobs; ++i) pool.submit([&] { ++done; });
      });
    }
    check_worker_ended(kJobs, done);
  };
  expect_every_schedule(
      kLesson, scenario,
      {.max_preemptions = 0, .early_timeouts = false, .max_steps = 50'000, .random_schedules = 0});
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

// A copy submits too. An object that has been moved from does not.
struct SubmitsWhenDestroyed {
  SubmitsWhenDestroyed(Pool& its_pool, std::string& its_order)
      : pool(&its_pool), order(its_order) {}
  // noexcept(false), because the std::function of libc++ copies a small lambda even when it is
  // moved, unless copying may throw. The original would then be destroyed, and submit, under a
  // pool's mutex.
  SubmitsWhenDestroyed(const SubmitsWhenDestroyed&) noexcept(false) = default;
  SubmitsWhenDestroyed(SubmitsWhenDestroyed&& other) noexcept
      : pool(std::exchange(other.pool, nullptr)), order(other.order) {}
  ~SubmitsWhenDestroyed() {
    if (pool == nullptr) return;
    pool->submit([&done = order] {
      check_threads();
      done += '3';
    });
  }

  Pool* pool;
  std::string& order;
};

// A job submits a second one. When the second is destroyed, the object that it owns submits a
// third.
TEST(DetachedWorker, JobsOfJobsAreDone) {
  expect_every_schedule(kLesson, [] {
    std::string order;
    {
      Pool pool;
      pool.submit([&] {
        pool.submit([&order, last = SubmitsWhenDestroyed(pool, order)] {
          check_threads();
          order += '2';
        });
        order += '1';
      });
      lab::note("leaves the pool's scope");
    }
    check_worker_ended(3, static_cast<int>(order.size()));
    lab::check(order == "123", "the jobs ran in the order " + order + "; wanted: 123");
  });
}

}  // namespace
}  // namespace worker_pool
