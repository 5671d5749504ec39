#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "12_close_contract",
    "the first shutdown ended the worker, and the pool did not remember it. A second shutdown "
    "joins the same thread again, which ends the program. A job submitted later is accepted and "
    "lost, because no worker is left to run it.");

// Spurious wake-ups matter to a worker that waits, so only one test has them. Another one has loads
// that return an older value, unless a memory order forbids it.
lab::Options options() { return {.max_spurious_wakeups = 0, .random_schedules = 20}; }

TEST(CloseContract, SecondShutdownDoesNothing) {
  expect_every_schedule(
      kLesson,
      [] {
        Pool pool;
        int done = 0;
        int copies = 0;
        const SubmitStatus status = pool.submit([&done, owned = Attachment(copies)] { ++done; });
        lab::check(status == SubmitStatus::kAccepted, "a job was refused before any shutdown");
        lab::check(copies == 0, "an accepted job was copied; wanted: it is moved");
        lab::note("shuts the pool down");
        pool.shutdown();
        lab::check(lab::running_threads() == 1, "shutdown() returned, but the worker still runs");
        lab::check(done == 1, "shutdown() returned, but an accepted job has not run");

        lab::note("shuts the pool down again");
        pool.shutdown();
      },
      {.max_spurious_wakeups = 0, .random_schedules = 20, .stale_reads = true});
}

TEST(CloseContract, JobAfterShutdownIsRefused) {
  expect_every_schedule(
      kLesson,
      [] {
        Pool pool;
        int done = 0;
        lab::note("shuts the pool down");
        pool.shutdown();

        lab::note("submits a job");
        Job job = [&] { ++done; };
        const SubmitStatus status = pool.submit(std::move(job));
        lab::check(status == SubmitStatus::kClosed,
                   "the job was accepted after the shutdown, but no worker is left to run it");
        lab::check(job != nullptr,
                   "the job was refused, but the caller no longer has it: the job is lost");
        lab::check(done == 0, "the job was refused, but it ran anyway");
      },
      options());
}

TEST(CloseContract, JobDuringShutdownIsDoneOrRefused) {
  expect_every_schedule(
      kLesson,
      [] {
        int done = 0;
        auto status = SubmitStatus::kClosed;
        Pool pool;
        lab::thread producer("producer", [&] {
          lab::note("submits a job");
          Job job = [&] { ++done; };
          status = pool.submit(std::move(job));
          lab::note(status == SubmitStatus::kAccepted ? "its job was accepted"
                                                      : "its job was refused");
          lab::check(status == SubmitStatus::kAccepted || job != nullptr,
                     "the job was refused, but the caller no longer has it: the job is lost");
        });
        lab::note("shuts the pool down");
        pool.shutdown();
        producer.join();
        lab::check(status != SubmitStatus::kAccepted || done == 1,
                   "a job was accepted during the shutdown, but it never ran");
        lab::check(status != SubmitStatus::kClosed || done == 0,
                   "a job was refused, but it ran anyway");
      },
      options());
}

// No thread is delayed for as long as the jobs and the sleeps below.
lab::Options exact_times() {
  lab::Options result = options();
  result.early_timeouts = false;
  return result;
}

void submit_accepted(Pool& pool, Job job) {
  lab::check(pool.submit(std::move(job)) == SubmitStatus::kAccepted,
             "a job was refused before any shutdown");
}

constexpr auto kYear = 24h * 365;

// Ten years after the worker has gone to sleep, there are three jobs. Each takes a year. A worker
// that polls for as long takes more steps than a schedule may have, or starts late.
void submit_long_jobs(Pool& pool, int& done) {
  lab::this_thread::sleep_for(10 * kYear);
  lab::note("submits 3 jobs");
  for (int i = 0; i < 3; ++i) {
    submit_accepted(pool, [&done] {
      lab::this_thread::sleep_for(kYear);
      ++done;
    });
  }
}

TEST(CloseContract, ShutdownWaitsForAllJobs) {
  expect_every_schedule(
      kLesson,
      [] {
        int done = 0;
        Pool pool;
        submit_long_jobs(pool, done);
        for (int call = 1; call <= 3; ++call) {
          lab::note("shuts the pool down");
          pool.shutdown();
          lab::check(lab::running_threads() == 1, "shutdown() returned, but the worker still runs");
          lab::check(done == 3, "shutdown() returned, but only " + std::to_string(done) +
                                    " of 3 accepted jobs have finished");
          check_time(13 * kYear, "shutdown() did not return when the last job had finished");
        }
        lab::check(pool.submit([] {}) == SubmitStatus::kClosed,
                   "a job was accepted after several shutdowns");
      },
      exact_times());
}

TEST(CloseContract, TheDestructorIsAShutdown) {
  expect_every_schedule(
      kLesson,
      [] {
        int done = 0;
        {
          Pool pool;
          submit_long_jobs(pool, done);
          lab::note("destroys the pool without a shutdown");
        }
        lab::check(lab::running_threads() == 1,
                   "the pool was destroyed, but its worker still runs");
        lab::check(done == 3, "the pool was destroyed, but only " + std::to_string(done) +
                                  " of 3 accepted jobs have finished");
      },
      exact_times());
}

TEST(CloseContract, AJobOfAnotherPoolIsRefusedToo) {
  expect_every_schedule(
      kLesson,
      [] {
        Pool pool;
        Pool other;
        pool.shutdown();
        lab::note("submits a job to another pool, which submits a job to the closed one");
        submit_accepted(other, [&] {
          const SubmitStatus status = pool.submit([] {});
          lab::check(status == SubmitStatus::kClosed,
                     "a job of another pool submitted a job after the shutdown, and the job was "
                     "accepted, but no worker is left to run it");
        });
        other.shutdown();
      },
      options());
}

// In a job. `user` is a thread that uses the pool.
void check_runs_not_on(const void* user) {
  lab::check(current_thread() != user,
             "a job ran on a thread that uses the pool; wanted: only on its worker");
}

TEST(CloseContract, AJobMayShutDownOrDestroyAnotherPool) {
  lab::Options simple = exact_times();
  simple.max_preemptions = 0;
  for (const bool destroys : {false, true}) {
    const auto use_other = [destroys] {
      const void* const user = current_thread();
      int done = 0;
      std::optional<Pool> pool(std::in_place);
      submit_accepted(*pool, [&done, user] {
        check_runs_not_on(user);
        lab::this_thread::sleep_for(1h);
        ++done;
      });
      lab::note(std::string(destroys ? "destroys" : "shuts down") +
                " another pool, whose job takes an hour");
      destroys ? pool.reset() : pool->shutdown();
      lab::check(lab::running_threads() == 2,
                 "a job shut down or destroyed another pool, but the worker of that pool still "
                 "runs");
      lab::check(done == 1, "an accepted job had not finished when its pool had been shut down");
    };
    expect_every_schedule(
        kLesson,
        [&] {
          Pool other;
          submit_accepted(other, use_other);
        },
        simple);
  }
}

void check_second_job_runs_at_once(bool in_other_pool) {
  LabGate ran("second job");
  std::optional<Pool> other;
  if (in_other_pool) other.emplace();
  Pool pool;
  Pool().shutdown();  // of another pool
  lab::this_thread::sleep_for(1h);
  lab::note(in_other_pool ? "submits a job, which submits one to another pool"
                          : "submits a job, which submits a second one");
  submit_accepted(pool, [&] {
    lab::note("submits the second job");
    submit_accepted(in_other_pool ? *other : pool, [&] { ran.open(); });
  });
  ran.wait();
  check_time(1h, "the worker did not run the jobs at once");
}

TEST(CloseContract, AWaitingWorkerRunsAJobAtOnce) {
  expect_every_schedule(kLesson, [] { check_second_job_runs_at_once(false); }, exact_times());
  for (const bool in_other_pool : {false, true}) {
    expect_every_schedule(kLesson, [&] { check_second_job_runs_at_once(in_other_pool); },
                          {.max_preemptions = 0, .early_timeouts = false, .random_schedules = 20});
  }
}

TEST(CloseContract, AWorkerWaitsHoweverOftenItWakesUp) {
  expect_every_schedule(kLesson,
                        [] {
                          bool ran = false;
                          Pool pool;
                          lab::this_thread::sleep_for(1h);  // the worker wakes up for no reason
                          submit_accepted(pool, [&] { ran = true; });
                          pool.shutdown();
                          lab::check(ran, "shutdown() returned, but an accepted job has not run");
                        },
                        {.max_preemptions = 0, .max_spurious_wakeups = 12, .random_schedules = 0});
}

TEST(CloseContract, EveryJobIsAcceptedHoweverManyWait) {
  lab::Options simple = exact_times();
  simple.max_preemptions = 0;
  simple.max_steps = 50'000;
  simple.random_schedules = 0;
  expect_every_schedule(
      kLesson,
      [] {
        constexpr int kJobs = 2'000;
        int done = 0;
        Pool pool;
        lab::note("submits 2000 jobs");
        for (int i = 0; i < kJobs; ++i) submit_accepted(pool, [&done] { ++done; });
        pool.shutdown();
        lab::check(done == kJobs, "shutdown() returned, but only " + std::to_string(done) +
                                      " of 2000 accepted jobs have finished");
      },
      simple);
}

// The job takes an hour, and then submits itself again. A wrong pool still accepts it the third
// time, when the shutdown began long ago; the job then gives up, so that the schedule ends.
void submit_again_and_again(Pool& pool, int hour) {
  const SubmitStatus status = pool.submit([&pool, hour] {
    lab::this_thread::sleep_for(1h);
    lab::note("has run for an hour, and submits itself again");
    if (hour < 3) submit_again_and_again(pool, hour + 1);
  });
  lab::check(status == SubmitStatus::kClosed || hour < 3,
             "a job submits itself until it is refused, but an hour after the shutdown had begun "
             "it was still accepted: shutdown() would never return");
}

// When one of two such jobs ends, the other one is queued.
TEST(CloseContract, JobsThatComeAgainDoNotKeepThePoolOpen) {
  for (const int jobs : {1, 2}) {
    const auto scenario = [jobs] {
      Pool pool;
      for (int i = 0; i < jobs; ++i) submit_again_and_again(pool, 0);
      lab::this_thread::sleep_for(90min);
      lab::note("shuts the pool down");
      pool.shutdown();
    };
    expect_every_schedule(kLesson, scenario, exact_times());
  }
}

// Of the jobs that another job submits.
struct Count {
  lab::atomic<int> accepted = 0;
  lab::atomic<int> done = 0;
  bool is_running = false;                    // one of them
  const void* const user = current_thread();  // of the pool
};

// Submits a job, which submits a job, and so on, `more` times. The pool may refuse any of them.
void submit_chain(Pool& pool, Count& count, int more) {
  const SubmitStatus status = pool.submit([&pool, &count, more] {
    check_runs_not_on(count.user);
    lab::check(!count.is_running, "submit() ran a job inside the job that submitted it");
    count.is_running = true;
    ++count.done;
    if (more > 0) submit_chain(pool, count, more - 1);
    count.is_running = false;
  });
  if (status == SubmitStatus::kAccepted) ++count.accepted;
}

// A copy submits too. An object that has been moved from does not. The copy might throw, so a
// std::function keeps its own on the heap, and to move such a job copies nothing.
struct SubmitsWhenDestroyed {
  SubmitsWhenDestroyed(Pool& its_pool, Count& its_count) : pool(&its_pool), count(its_count) {}
  SubmitsWhenDestroyed(const SubmitsWhenDestroyed& other) noexcept(false)
      : pool(other.pool), count(other.count) {}
  SubmitsWhenDestroyed(SubmitsWhenDestroyed&& other) noexcept
      : pool(std::exchange(other.pool, nullptr)), count(other.count) {}
  ~SubmitsWhenDestroyed() {
    if (pool != nullptr) submit_chain(*pool, count, 0);
  }

  Pool* pool;
  Count& count;
};

TEST(CloseContract, AJobMaySubmitJobsDuringShutdown) {
  for (const bool by_destructor : {false, true}) {
    const auto scenario = [by_destructor] {
      Count count;
      std::optional<Pool> pool(std::in_place);
      submit_accepted(*pool,
                      [&its_pool = *pool, &count, last = SubmitsWhenDestroyed(*pool, count)] {
                        submit_chain(its_pool, count, 1);
                      });
      lab::note(by_destructor ? "destroys the pool" : "shuts the pool down");
      by_destructor ? pool.reset() : pool->shutdown();
      lab::check(count.done == count.accepted, "of " + std::to_string(count.accepted) +
                                                   " accepted jobs that were submitted by jobs, " +
                                                   std::to_string(count.done) + " have run");
    };
    expect_every_schedule(kLesson, scenario, options());
  }
}

TEST(CloseContract, AJobIsDestroyedAsSoonAsItHasRun) {
  for (const bool is_last : {true, false}) {
    const auto scenario = [is_last] {
      Count count;
      Pool pool;
      lab::note("submits a job whose destructor submits another one");
      submit_accepted(pool, [last = SubmitsWhenDestroyed(pool, count)] {});
      if (!is_last) {
        lab::note("submits a job that takes a year");
        submit_accepted(pool, [] { lab::this_thread::sleep_for(kYear); });
      }
      lab::this_thread::sleep_for(1h);
      lab::check(count.accepted > 0,
                 "a job ran an hour ago, but it has not been destroyed: the job that its "
                 "destructor submits has not come yet");
    };
    expect_every_schedule(kLesson, scenario, exact_times());
  }
}

}  // namespace
}  // namespace worker_pool
