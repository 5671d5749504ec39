#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "16_blind_idle",
    "the worker took the job off the queue, then wait_idle() saw an empty queue and no busy "
    "worker, and only then did the worker count itself as busy. Until then, the job is in neither "
    "count. The caller goes on without the job's result, or destroys what the job still uses.");

// A pool with two workers has too many schedules to try all of them.
constexpr lab::Options kTwoWorkers{
    .max_preemptions = 1, .max_spurious_wakeups = 0, .max_schedules = 300, .random_schedules = 100};
constexpr lab::Options kOneWorker{
    .max_preemptions = 1, .max_spurious_wakeups = 0, .random_schedules = 30, .stale_reads = true};
const char* const kNotOldest = "a free worker did not take the oldest job";

void wait_idle(Pool& pool) {
  lab::note("calls wait_idle()");
  pool.wait_idle();
}

TEST(BlindIdle, WaitsForAJobThatAWorkerHas) {
  const auto scenario = [] {
    bool done = false;
    Pool pool(1);
    lab::this_thread::sleep_for(1s);  // so that the worker waits for a job
    pool.submit([&] { done = true; });
    wait_idle(pool);
    lab::check(done, "wait_idle() returned, but the job has not run");
  };
  expect_every_schedule(kLesson, scenario, {.max_spurious_wakeups = 0, .random_schedules = 50});
}

// What wait_idle() promises about one job: it has run, and it has been destroyed.
struct Progress {
  bool ran = false;
  bool destroyed = false;
};

Job tracked(Progress& progress) {
  return [&progress, end = at_the_end([&progress] { progress.destroyed = true; })] {
    progress.ran = true;
  };
}

void check_finished(const Progress& progress, const std::string& job) {
  lab::check(progress.ran, "wait_idle() returned, but " + job + " has not run");
  lab::check(progress.destroyed,
             "wait_idle() returned, but what " + job + " owns has not been destroyed");
}

// The pool is used again after each wait.
TEST(BlindIdle, WaitsForEveryJobOfBothWorkers) {
  const auto scenario = [] {
    Progress a, b, c;
    Pool pool(2);
    pool.submit(tracked(a));
    pool.submit(tracked(b));
    wait_idle(pool);
    check_finished(a, "job 1");
    check_finished(b, "job 2");
    pool.submit(tracked(c));
    wait_idle(pool);
    check_finished(c, "job 3");
  };
  expect_every_schedule(kLesson, scenario, kTwoWorkers);
}

TEST(BlindIdle, WaitsForJobsThatJobsSubmit) {
  for (const int workers : {1, 2}) {
    const auto scenario = [workers] {
      Progress second, third;
      Pool pool(workers);
      pool.submit([&, end = at_the_end([&] { pool.submit(tracked(third)); })] {
        pool.submit(tracked(second));
      });
      wait_idle(pool);
      check_finished(second, "the job that job 1 submitted");
      check_finished(third, "the job that was submitted while job 1 was destroyed");
    };
    expect_every_schedule(kLesson, scenario, workers == 1 ? kOneWorker : kTwoWorkers);
  }
}

// Job 1 goes on just before wait_idle() is called. When it has finished, its job is queued or runs.
TEST(BlindIdle, WaitsForTheJobThatARunningJobSubmits) {
  expect_every_schedule(kLesson,
                        [] {
                          LabGate gate("job 1");
                          Progress second;
                          Pool pool(1);
                          pool.submit([&] {
                            gate.wait();
                            pool.submit([job = tracked(second)] {
                              lab::this_thread::sleep_for(1s);
                              job();
                            });
                          });
                          gate.await_arrival();
                          gate.open();
                          wait_idle(pool);
                          check_finished(second, "the job that job 1 submitted");
                        },
                        {.max_preemptions = 3,
                         .max_spurious_wakeups = 0,
                         .early_timeouts = false,
                         .random_schedules = 0});
}

TEST(BlindIdle, NoLockIsHeldWhileACopyOfAJobIsDestroyed) {
  const auto scenario = [] {
    Pool pool(1);
    lab::note("submits a job that submits another one whenever a copy of it is destroyed");
    for (const bool throws : {false, true}) {
      pool.submit([throws, end = EachCopyAtTheEnd([&] { pool.submit([] {}); })] {
        if (throws) throw 42;
      });
    }
    pool.wait_idle();
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 0, .random_schedules = 0});
}

void check_failed(const Pool& pool, int wanted) {
  lab::check(pool.failed() == wanted, std::to_string(wanted) + " jobs threw, but failed() is " +
                                          std::to_string(pool.failed()));
}

TEST(BlindIdle, AJobThatThrowsHasFinished) {
  const auto scenario = [] {
    LabGate gate("job 3");
    Progress last;
    Pool pool(1);
    pool.submit(Job());  // throws std::bad_function_call when it is called
    pool.submit([] { throw std::runtime_error("no such file"); });
    pool.submit([&gate, job = tracked(last)] {
      job();
      gate.wait();
      throw 42;
    });
    gate.await_arrival();
    gate.open();  // so that it ends just before or after main goes to sleep
    wait_idle(pool);
    check_finished(last, "the last job, which threw,");
    check_failed(pool, 3);
  };
  expect_every_schedule(kLesson, scenario, kOneWorker);
}

TEST(BlindIdle, CountsTheJobsThatThrowOnBothWorkers) {
  const auto scenario = [] {
    Pool pool(2);
    pool.submit([] { throw 1; });
    pool.submit([] { throw 2; });
    lab::check(pool.failed() <= 2, "two jobs were submitted, but more have failed");
    pool.wait_idle();
    check_failed(pool, 2);
  };
  expect_every_schedule(kLesson, scenario, kTwoWorkers);
}

// No thread is delayed for as long as the jobs and the sleeps below. A thread that polls for ten
// years takes more steps than a schedule may have.
constexpr lab::Options kExactTimes{
    .max_preemptions = 0, .early_timeouts = false, .max_schedules = 200, .random_schedules = 30};
constexpr auto kYear = 24h * 365;

// One worker has job 1. The other runs jobs 2 to 31, and a job that submits a job, which submits
// the first of 20 jobs, each of which submits the next one.
TEST(BlindIdle, ReturnsWhenTheLastJobFinishes) {
  const auto scenario = [] {
    lab::atomic<int> ran = 0;
    Pool pool(2);
    pool.wait_idle();
    check_time(0h, "wait_idle() waited, but the pool had no job");
    const std::function<void(int)> work = [&](int more) {
      lab::this_thread::sleep_for(kYear);
      if (more > 0) pool.submit([&work, more] { work(more - 1); });
    };
    pool.submit([] { lab::this_thread::sleep_for(10 * kYear); });
    for (int i = 1; i <= 30; ++i) pool.submit([&, i] { lab::check(++ran == i, kNotOldest); });
    pool.submit([&] {
      lab::this_thread::sleep_for(kYear);
      pool.submit([end = at_the_end([&] {
                     lab::this_thread::sleep_for(20 * kYear);
                     pool.submit([&] { work(19); });
                   })] {});
    });
    lab::this_thread::sleep_for(1h);
    lab::check(ran == 30, "jobs are queued behind job 1, although the other worker is free");
    wait_idle(pool);
    check_time(41 * kYear, "wait_idle() did not return when the last job had finished");
    lab::this_thread::sleep_for(1h);  // both workers wait for a job
    pool.wait_idle();
    check_time(41 * kYear + 1h, "wait_idle() waited, but the pool was idle");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(BlindIdle, WaitsHoweverOftenAThreadWakesUp) {
  const auto scenario = [] {
    Pool pool(1);
    lab::this_thread::sleep_for(1h);  // the worker wakes up for no reason
    pool.submit([] { lab::this_thread::sleep_for(kYear); });
    pool.wait_idle();
    check_time(1h + kYear, "wait_idle() did not return when the job finished");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 4, .random_schedules = 0});
}

TEST(BlindIdle, SeveralThreadsMayWait) {
  const auto scenario = [] {
    Pool pool(1);
    pool.submit([] {
      lab::this_thread::sleep_for(kYear);
      throw 42;
    });
    const auto wait = [&](lab::steady_clock::duration returns) {
      pool.wait_idle();
      check_time(returns, "wait_idle() did not return when the last job had finished");
    };
    {
      lab::jthread first("waiter 1", [&] { wait(kYear); });
      lab::jthread second("waiter 2", [&] { wait(kYear); });
      wait(kYear);
    }
    pool.submit([] { lab::this_thread::sleep_for(kYear); });
    lab::jthread third("waiter 3", [&] { wait(2 * kYear); });
    wait(2 * kYear);
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// The second job may come in time or too late: from another thread, or a job of another pool.
TEST(BlindIdle, AnotherThreadMaySubmitMeanwhile) {
  for (const bool by_job : {false, true}) {
    const auto scenario = [by_job] {
      Progress first, second;
      Pool pool(1);
      const auto produce = [&] {
        pool.submit(tracked(second));
        wait_idle(pool);
        check_finished(second, "the job that this thread submitted");
      };
      lab::jthread producer("producer", [&] {
        if (by_job) return Pool(1).submit(produce);
        produce();
      });
      pool.submit(tracked(first));
      wait_idle(pool);
      check_finished(first, "main's job");
    };
    lab::Options options = kOneWorker;
    if (by_job) options.max_preemptions = 0;  // two pools have many schedules
    expect_every_schedule(kLesson, scenario, options);
  }
}

// Each job waits until the other one runs, too. Job 2 may come while a thread waits already, or
// from job 1. Both workers may be asleep, and one may have taken a job that had woken the other.
TEST(BlindIdle, BothWorkersRunJobsAtTheSameTime) {
  for (const auto& [asleep, pause, by_job] :
       {std::tuple(0h, 0h, false), std::tuple(0h, 1h, false), std::tuple(1h, 0h, false),
        std::tuple(1h, 0h, true)}) {
    const auto scenario = [asleep, pause, by_job] {
      LabGate first("job 1 runs");
      LabGate second("job 2 runs");
      Pool pool(2);
      const auto submit_second = [&] {
        pool.submit([&] {
          second.open();
          first.wait();
        });
      };
      if (asleep > 0h) {
        pool.submit([asleep] { lab::this_thread::sleep_for(asleep); });
        lab::this_thread::sleep_for(asleep);
        pool.submit([] {});
        lab::this_thread::sleep_for(asleep);
      }
      pool.submit([&] {
        if (by_job) submit_second();
        first.open();
        second.wait();
      });
      lab::jthread waiter("waiter", [&] { pool.wait_idle(); });
      lab::this_thread::sleep_for(pause);
      if (!by_job) submit_second();
      pool.wait_idle();
    };
    expect_every_schedule(kLesson, scenario, asleep + pause == 0h ? kTwoWorkers : kExactTimes);
  }
}

// Only workers run jobs: a single one runs the oldest first. Job 1 submits jobs 21 to 1220.
TEST(BlindIdle, WaitingRunsNoJob) {
  const auto scenario = [] {
    LabGate gate("job 1");
    int ran = 0;
    const auto job = [&](int number) {
      return [&ran, number] {
        ++ran;
        lab::check(ran == number, "job " + std::to_string(number) + " ran in place of job " +
                                      std::to_string(ran) + ": " + kNotOldest);
      };
    };
    Pool pool(1), other(1);
    pool.submit([&] {
      lab::this_thread::sleep_for(1h);  // by then, 20 jobs are queued
      for (int i = 21; i <= 1'220; ++i) pool.submit(job(i));
      gate.wait();
      job(1)();
    });
    for (int i = 2; i <= 20; ++i) pool.submit(job(i));
    lab::jthread waiter("waiter", [&] { pool.wait_idle(); });
    other.submit([&] { pool.wait_idle(); });
    lab::this_thread::sleep_for(2h);
    lab::check(ran == 0, "the only worker is busy, but another thread ran a job");
    for (int i = 1'221; i <= 1'240; ++i) pool.submit(job(i));
    gate.open();
    pool.wait_idle();
    lab::check(ran == 1'240, "wait_idle() returned: " + std::to_string(ran) + " of 1240 jobs ran");
    check_time(2h, "wait_idle() did not return when the last job had finished");
  };
  lab::Options options = kExactTimes;
  options.max_steps = 50'000;
  options.max_schedules = options.random_schedules = 3;
  expect_every_schedule(kLesson, scenario, options);
}

TEST(BlindIdle, TheDestructorRunsTheRest) {
  const auto scenario = [] {
    const void* const main = current_thread();
    std::string order;
    const auto job = [&](char number) {
      lab::check(current_thread() != main, "main ran a job; wanted: only the workers run jobs");
      order += number;
    };
    {
      Pool pool(1);
      pool.submit([&] {
        job('1');
        pool.submit([&] { job('2'); });
      });
      pool.wait_idle();
      pool.submit([&] {
        job('3');
        pool.submit([&] { job('4'); });
        lab::this_thread::sleep_for(1h);
        lab::note("job 3 submits job 5, and a job of another pool job 6, while job 4 is queued");
        pool.submit([&] { job('5'); });
        Pool(1).submit([&] { pool.submit([&] { job('6'); }); });
      });
      lab::this_thread::sleep_for(1s);  // so that the job runs when the destructor is called
      lab::note("destroys the pool");
    }
    lab::check(lab::running_threads() == 1, "the pool was destroyed, but a thread still runs");
    lab::check(order == "123456", "until the pool was destroyed, jobs " + order +
                                      " ran; wanted: all, and the oldest one next, so 123456");
  };
  expect_every_schedule(kLesson, scenario, kOneWorker);
}

TEST(BlindIdle, TheDestructorWakesAWorkerThatIsAboutToSleep) {
  expect_every_schedule(kLesson, [] { const Pool pool(1); },
                        {.max_spurious_wakeups = 0, .random_schedules = 0});
}

// All three workers are asleep when their job comes. Only one gets it, and all must exit.
TEST(BlindIdle, TheDestructorEndsTheWorkersWithoutAJob) {
  const auto scenario = [] {
    Pool(1).submit([] {
      std::optional<Pool> pool(3);
      lab::this_thread::sleep_for(1s);
      pool->submit([] { lab::this_thread::sleep_for(1h); });
      lab::note("destroys the pool");
      pool.reset();
      lab::check(lab::running_threads() == 2, "the pool was destroyed, but a worker still runs");
    });
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

}  // namespace
}  // namespace worker_pool
