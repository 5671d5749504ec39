#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "14_timeout_that_waits",
    "the wait ended after 10 ms, as it should. Then ~jthread joined the helper, which waits for "
    "the job. The caller asked for a time limit and got none: it can neither cancel the job nor "
    "save the jobs queued behind it.");

constexpr auto kYear = 24h * 365;
constexpr auto kShortest = lab::steady_clock::duration::min();

std::string text_of(lab::steady_clock::duration time) {
  if (time >= kYear) return std::to_string(time / kYear) + " years";
  if (time >= 1h) return std::to_string(time / 1h) + " h";
  if (time % 1ms != 0ms) return std::to_string(time / 1ns) + " ns";
  return std::to_string(time / 1ms) + " ms";
}

// No thread is delayed for as long as these timeouts.
const lab::Options kExactTimes{.early_timeouts = false};

TEST(TimeoutThatWaits, ReturnsWhenTheTimeIsOver) {
  const auto scenario = [] {
    LabGate started("job started");
    LabGate gate("job");
    Pool pool;
    pool.submit([&] {
      started.open();
      lab::this_thread::sleep_for(5ms);  // so that the job does something during the wait
      gate.wait();
    });
    started.wait();
    for (int call = 1; call <= 2; ++call) {
      lab::note("calls drain_for(10ms)");
      const auto called = lab::steady_clock::now();
      lab::check(!pool.drain_for(10ms),
                 "drain_for(10ms) returned true, but the job has not finished");
      const auto took = lab::steady_clock::now() - called;
      lab::check(took == 10ms,
                 "drain_for(10ms) returned after " + text_of(took) + "; wanted: 10 ms");
    }
    const std::size_t left = lab::running_threads() - 2;  // besides main and the worker
    lab::check(left == 0, "drain_for() has left threads behind: " + std::to_string(left) +
                              ". They use the pool even after its destruction");
    gate.open();
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(TimeoutThatWaits, ReturnsAsSoonAsTheJobsAreDone) {
  expect_every_schedule(
      kLesson,
      [] {
        Pool pool;
        pool.submit([] {});        // takes no time
        (void)pool.drain_for(0h);  // false only if the job has not finished yet
        lab::note("calls drain_for(1h)");
        const auto called = lab::steady_clock::now();
        const bool drained = pool.drain_for(1h);
        const auto took = lab::steady_clock::now() - called;
        lab::check(drained, "drain_for(1h) returned false after " + text_of(took) +
                                " although the job takes no time");
        lab::check(took == 0ms,
                   "drain_for(1h) returned " + text_of(took) + " late: the job takes no time");
      },
      // No thread is delayed for an hour.
      {.max_spurious_wakeups = 0, .early_timeouts = false, .random_schedules = 50});
}

// Calls drain_for(timeout) and checks its result and how long it took.
void check_drain(Pool& pool, lab::steady_clock::duration timeout, bool result,
                 lab::steady_clock::duration time) {
  const std::string call = "drain_for(" + text_of(timeout) + ")";
  lab::note("calls " + call);
  const auto called = lab::steady_clock::now();
  const bool drained = pool.drain_for(timeout);
  const auto took = lab::steady_clock::now() - called;
  lab::check(drained == result,
             call + (drained ? " returned true, but a job, or what it owns, still exists"
                             : " returned false, but every job has finished"));
  lab::check(took == time,
             call + " returned after " + text_of(took) + "; wanted: " + text_of(time));
}

// The worker may hold the mutex when drain_for() is called.
TEST(TimeoutThatWaits, APoolWithoutJobsIsDrained) {
  const auto scenario = [] {
    Pool pool;
    check_drain(pool, 0ms, true, 0ms);
    check_drain(pool, -1ms, true, 0ms);
    check_drain(pool, kShortest, true, 0ms);
    check_drain(pool, 1h, true, 0ms);
  };
  expect_every_schedule(kLesson, scenario, {.early_timeouts = false, .random_schedules = 20});
}

TEST(TimeoutThatWaits, TheResultIsThatOfThisCall) {
  const auto scenario = [] {
    const void* const main = current_thread();
    int done = 0;
    {
      LabGate first("first job");
      LabGate third("third job");
      Pool pool;
      pool.submit([&] {
        first.wait();
        ++done;
      });
      pool.submit([&] { ++done; });
      check_drain(pool, 0ms, false, 0ms);
      check_drain(pool, -1ms, false, 0ms);
      check_drain(pool, kShortest, false, 0ms);
      check_drain(pool, 300'001ns, false, 300'001ns);
      // A thread that polls for so long takes more steps than a schedule may have.
      check_drain(pool, 100 * kYear, false, 100 * kYear);
      first.open();
      check_drain(pool, 10ms, true, 0ms);
      lab::check(done == 2, "drain_for() returned true, but not every job has run");
      pool.submit([&] {
        third.wait();
        ++done;
      });
      pool.submit([&] {
        ++done;
        lab::check(current_thread() != main, "main ran a job; wanted: only the worker runs jobs");
        pool.submit([&] { ++done; });  // perhaps while the pool is being destroyed
      });
      third.await_arrival();
      check_drain(pool, 10ms, false, 10ms);
      third.open();
      lab::note("destroys the pool");
    }
    lab::check(done == 5,
               "the pool was destroyed, but only " + std::to_string(done) +
                   " of 5 jobs have run: drain_for() must not change what the pool does");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1,
                         .max_spurious_wakeups = 0,
                         .early_timeouts = false,
                         .random_schedules = 20});
}

struct TakesTimeToDestroy {
  ~TakesTimeToDestroy() { lab::this_thread::sleep_for(6ms); }
};

// Four jobs, and the destruction of what the last one owns, take 6 ms each. The third job submits
// the fourth. A load of an atomic may return an older value, unless a memory order forbids it, as
// on real machines.
TEST(TimeoutThatWaits, TheLimitIsForAllJobsTogether) {
  const auto scenario = [] {
    const auto work = [] { lab::this_thread::sleep_for(6ms); };
    Pool pool;
    pool.submit(work);
    pool.submit(work);
    int copies = 0;
    auto last = [work, owned = std::make_shared<TakesTimeToDestroy>(),
                 counted = Attachment(copies)] { work(); };
    pool.submit([&pool, work, last = std::move(last)]() mutable {
      work();
      pool.submit(std::move(last));
    });
    check_drain(pool, 10ms, false, 10ms);
    check_drain(pool, 16ms, false, 16ms);
    check_drain(pool, 1h, true, 4ms);
    lab::check(copies == 0, "the pool copied a job; wanted: it moves them");
  };
  expect_every_schedule(
      kLesson, scenario,
      {.max_preemptions = 1, .early_timeouts = false, .random_schedules = 20, .stale_reads = true});
}

TEST(TimeoutThatWaits, WaitsHoweverOftenAThreadWakesUp) {
  const auto scenario = [] {
    Pool pool;
    lab::this_thread::sleep_for(1h);  // the worker wakes up for no reason
    pool.submit([] { lab::this_thread::sleep_for(2h); });
    check_drain(pool, 1h, false, 1h);
    check_drain(pool, 2h, true, 1h);
    pool.submit([] { lab::this_thread::sleep_for(2h); });
    pool.drain();
    check_time(5h, "drain() did not return when the job had finished");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 4, .random_schedules = 0});
}

TEST(TimeoutThatWaits, SeveralThreadsMayWait) {
  const auto scenario = [] {
    Pool pool;
    pool.submit([] { lab::this_thread::sleep_for(12 * kYear); });
    const auto drain = [&] {
      lab::note("calls drain()");
      pool.drain();
      lab::check(lab::steady_clock::now().time_since_epoch() == 12 * kYear,
                 "drain() did not return when the job had finished");
    };
    lab::jthread first("waiter 1", [&] { check_drain(pool, 20 * kYear, true, 12 * kYear); });
    lab::jthread second("waiter 2", [&] {
      check_drain(pool, 10ms, false, 10ms);
      drain();
    });
    lab::jthread third("waiter 3", [&] {
      lab::this_thread::sleep_for(1ms);  // from here on, now() + max() overflows
      drain();
    });
    check_drain(pool, 21 * kYear, true, 12 * kYear);
    drain();
  };
  // The threads are many, but the order in which they are scheduled is free.
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0,
                         .max_spurious_wakeups = 0,
                         .early_timeouts = false,
                         .max_schedules = 1'000,
                         .random_schedules = 50});
}

TEST(TimeoutThatWaits, EachCallHasItsOwnLimit) {
  const auto scenario = [] {
    LabGate gate("job");
    Pool pool;
    pool.submit([&] { gate.wait(); });
    lab::jthread other("waiter", [&] { check_drain(pool, 20ms, false, 20ms); });
    check_drain(pool, 10ms, false, 10ms);
    other.join();
    gate.open();
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .early_timeouts = false, .random_schedules = 20});
}

// While "other" sleeps, the clock may jump before main wakes up. Then the time is over for the wait
// of main, too, although it was notified in time.
TEST(TimeoutThatWaits, TheCallerMayWakeUpTooLate) {
  const auto scenario = [] {
    Pool pool;
    pool.submit([] { lab::this_thread::sleep_for(5ms); });
    lab::steady_clock::duration finished{};
    lab::jthread other("other", [&] {
      pool.drain();
      finished = lab::steady_clock::now().time_since_epoch();
      lab::note("drain() has returned after " + text_of(finished));
      lab::this_thread::sleep_for(1h);
    });
    const bool drained = pool.drain_for(10ms);
    other.join();
    lab::check(drained || finished >= 10ms,
               "drain_for(10ms) returned false, but every job had finished within 10 ms");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1, .max_spurious_wakeups = 0, .random_schedules = 20});
}

// The first job may wait until the producer has submitted the second one.
TEST(TimeoutThatWaits, AJobMayBeSubmittedMeanwhile) {
  for (const auto& [time, first_waits] :
       {std::pair(0h, false), std::pair(2h, false), std::pair(0h, true)}) {
    const auto scenario = [time, first_waits] {
      LabGate submitted("second job is submitted");
      Pool pool;
      pool.submit([&] {
        if (first_waits) submitted.wait();
      });
      lab::jthread producer("producer", [&] {
        lab::note("submits a job that takes " + text_of(time));
        pool.submit([time] { lab::this_thread::sleep_for(time); });
        submitted.open();
      });
      const bool drained = pool.drain_for(1h);
      const auto took = lab::steady_clock::now().time_since_epoch();
      const bool may_be_late = time > 1h && !drained;
      lab::check(drained || may_be_late, "drain_for(1h) returned false, but the jobs take no time");
      lab::check(took == (drained ? 0h : 1h), std::string("drain_for(1h) returned ") +
                                                  (drained ? "true" : "false") + " after " +
                                                  text_of(took));
    };
    expect_every_schedule(kLesson, scenario,
                          {.max_preemptions = 1,
                           .max_spurious_wakeups = 0,
                           .early_timeouts = false,
                           .random_schedules = 50});
  }
}

// The worker of the other pool waits for a job at first. While that pool is destroyed, its last job
// waits for a job of a third pool, which submits one more.
TEST(TimeoutThatWaits, AJobOfAnotherPoolMaySubmitWaitAndDestroy) {
  const auto scenario = [] {
    const auto use_and_destroy = [] {
      const void* const user = current_thread();
      bool done = false;
      {
        Pool pool;
        lab::this_thread::sleep_for(1h);
        const auto work = [user] {
          lab::check(current_thread() != user, "the pool ran a job on a thread that uses it");
          lab::this_thread::sleep_for(6ms);
        };
        lab::note("submits a job that takes 6 ms to another pool");
        pool.submit(work);
        check_drain(pool, 1ms, false, 1ms);
        check_drain(pool, 1h, true, 5ms);
        pool.submit(work);
        lab::note("calls drain()");
        pool.drain();
        check_time(1h + 12ms, "drain() did not return when the job had finished");
        pool.submit([&, work] {
          work();
          Pool().submit([&] { pool.submit([&] { done = true; }); });
        });
        lab::note("destroys that pool");
      }
      lab::check(lab::running_threads() == 2, "a pool was destroyed, but its worker still runs");
      lab::check(done, "a pool was destroyed, but one of its jobs has not run");
    };
    Pool pool;
    pool.submit(use_and_destroy);
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .early_timeouts = false, .random_schedules = 20});
}

TEST(TimeoutThatWaits, AJobMaySubmitThousandsOfJobs) {
  const auto scenario = [] {
    bool has_submitted = false;
    int done = 0;
    Pool pool;
    pool.submit([&] {
      for (int i = 0; i < 2'000; ++i) {
        pool.submit([&] {
          lab::check(has_submitted, "submit() ran a job inside the job that submitted it");
          ++done;
        });
      }
      has_submitted = true;
    });
    check_drain(pool, 1h, true, 0h);
    lab::check(done == 2'000, "drain_for() returned true, but not every job has run");
  };
  expect_every_schedule(
      kLesson, scenario,
      {.max_preemptions = 0, .early_timeouts = false, .max_steps = 50'000, .random_schedules = 0});
}

// When job 1 has finished, as many jobs have finished as were submitted before it ran.
TEST(TimeoutThatWaits, WaitsForTheJobThatAJobSubmits) {
  const auto scenario = [] {
    LabGate gate("job 1");
    Pool pool;
    pool.submit([&] {
      gate.wait();
      lab::note("job 1 submits a job that takes 2 h");
      pool.submit([] { lab::this_thread::sleep_for(2h); });
    });
    gate.await_arrival();
    gate.open();
    check_drain(pool, 1h, false, 1h);
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1,
                         .max_spurious_wakeups = 0,
                         .early_timeouts = false,
                         .random_schedules = 20});
}

}  // namespace
}  // namespace worker_pool
