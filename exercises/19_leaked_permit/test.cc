#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "19_leaked_permit",
    "the job took a permit and threw, and the exception left run() above the lines that give the "
    "permit back. No job runs, but the count says one does: with each such job fewer can run, "
    "until all wait, and the shutdown waits forever for a job that ended long ago.");

class QueryFailed : public std::runtime_error {
 public:
  QueryFailed() : std::runtime_error("the query failed") {}
};

// Runs a job that throws, as a worker does: it catches what run() throws, and goes on.
void run_query_that_fails(JobLimit& limit) {
  bool started = false;
  try {
    (void)limit.run([&] {
      started = true;
      lab::note("its job throws");
      throw QueryFailed();
    });
  } catch (const QueryFailed&) {
    return;
  } catch (...) {
    lab::check(false, "run() threw something else than its job");
  }
  lab::check(!started, "the job threw, but run() threw nothing: its caller must know");
  lab::check(false, "run() neither ran the job nor threw, although the limit is open");
}

void run_query(JobLimit& limit) {
  bool ran = false;
  lab::check(limit.run([&] { ran = true; }), "run() returned false although the limit is open");
  lab::check(ran, "run() returned true, but the job has not run");
}

void check_refused(JobLimit& limit) {
  const bool accepted = limit.run([] { lab::check(false, "a job ran after shutdown()"); });
  lab::check(!accepted, "run() returned true after shutdown()");
}

void shut_down(JobLimit& limit) {
  lab::note("calls shutdown()");
  limit.shutdown();
  lab::note("shutdown() has returned");
}

// Starts a thread. Every body has the same type here, which compiles faster.
lab::jthread start_thread(const std::string& name, Job body) {
  return lab::jthread(name, std::move(body));
}

TEST(LeakedPermit, ShutdownReturnsAfterAJobThatThrew) {
  expect_every_schedule(kLesson, [] {
    JobLimit limit(1);
    lab::jthread worker = start_thread("worker", [&] {
      run_query_that_fails(limit);
      lab::note("reports the exception, and waits for the next job");
    });
    worker.join();
    shut_down(limit);
    shut_down(limit);
    check_refused(limit);
    check_time(0s, "time passed although no thread sleeps: shutdown() waits with a timeout");
  });
}

TEST(LeakedPermit, AThrowAdmitsTheNextJob) {
  expect_every_schedule(
      kLesson,
      [] {
        JobLimit limit(1);
        lab::jthread first = start_thread("worker 1", [&] { run_query_that_fails(limit); });
        lab::jthread second = start_thread("worker 2", [&] { run_query(limit); });
        first.join();
        second.join();
        run_query(limit);
        shut_down(limit);
        check_time(0s, "time passed although no job takes time: a thread waits with a timeout");
      },
      {.random_schedules = 50});
}

// Job 1 throws, and job 2 returns. The last of them notifies main, which destroys the limit at
// once.
TEST(LeakedPermit, AfterShutdownTheLimitMayBeDestroyed) {
  const auto scenario = [] {
    LabGate started_1("job 1 has started"), started_2("job 2 has started");
    lab::jthread first, second;
    auto limit = std::make_unique<JobLimit>(2);
    const auto run = [&limit = *limit](LabGate& started, bool throws) {
      const auto job = [&] {
        started.open();
        if (throws) throw 42;
      };
      try {
        lab::check(limit.run(job), "run() returned false, although it ran its job");
      } catch (int) {
        lab::check(throws, "run() threw, although its job did not");
        return;
      }
      lab::check(!throws, "the job threw an int, but run() threw nothing: its caller must know");
    };
    first = start_thread("worker 1", [run, &started_1] { run(started_1, true); });
    second = start_thread("worker 2", [run, &started_2] { run(started_2, false); });
    for (LabGate* started : {&started_1, &started_2}) started->wait();
    shut_down(*limit);
    lab::note("destroys the limit");
    limit.reset();
  };
  expect_every_schedule(kLesson, scenario, {.max_spurious_wakeups = 0, .random_schedules = 50});
}

// No thread is delayed for as long as the jobs and the sleeps below. A thread that polls for years
// takes more steps than a schedule may have.
constexpr lab::Options kExactTimes{.max_preemptions = 1,
                                   .max_spurious_wakeups = 0,
                                   .early_timeouts = false,
                                   .max_schedules = 400,
                                   .random_schedules = 50};
constexpr auto kYear = 24h * 365;

// Counts the jobs that run at the same time.
class Running {
 public:
  explicit Running(int limit) : limit_(limit) {}

  void job() {
    const int now = ++now_;
    lab::check(now <= limit_, std::to_string(now) + " jobs run at the same time; the limit is " +
                                  std::to_string(limit_));
    lab::this_thread::sleep_for(kYear);
    --now_;
  }

 private:
  const int limit_;
  lab::atomic<int> now_ = 0;
};

// The first job gives the permit back just when shutdown() is called. Another one takes it, or both
// are refused.
TEST(LeakedPermit, AJobMayEndWhenShutdownIsCalled) {
  const auto scenario = [] {
    JobLimit limit(1);
    Running running(1);
    const auto run = [&] { (void)limit.run([&] { running.job(); }); };
    lab::jthread first = start_thread("worker 1", run);
    lab::jthread second = start_thread("worker 2", run);
    lab::jthread third = start_thread("worker 3", run);
    lab::this_thread::sleep_for(kYear);
    shut_down(limit);
    second.join();
    third.join();
    check_refused(limit);
  };
  lab::Options options = kExactTimes;
  options.max_spurious_wakeups = 1;
  expect_every_schedule(kLesson, scenario, options);
}

struct NotAnException {};

// A job that throws something else for each number, or nothing.
void run_job(JobLimit& limit, Running& running, int number) {
  const int kind = number % 4;
  try {
    const bool ran = limit.run([&] {
      running.job();
      if (kind != 0) lab::note("its job throws");
      if (kind == 1) throw QueryFailed();
      if (kind == 2) throw NotAnException();
      if (kind == 3) throw "a text";
    });
    lab::check(ran, "run() returned false although the limit is open");
  } catch (const QueryFailed&) {
    lab::check(kind == 1, "run() threw something else than its job");
    return;
  } catch (const NotAnException&) {
    lab::check(kind == 2, "run() threw something else than its job");
    return;
  } catch (const char*) {
    lab::check(kind == 3, "run() threw something else than its job");
    return;
  }
  lab::check(kind == 0, "the job threw, but run() threw nothing: its caller must know");
}

// Four workers have eight jobs of a year each. Two can run at the same time. When two jobs end,
// both of the workers that wait must be notified.
TEST(LeakedPermit, TheLimitStaysExact) {
  const auto scenario = [] {
    JobLimit limit(2);
    Running running(2);
    lab::atomic<int> next = 1;
    const auto work = [&] {
      for (int number = next++; number <= 8; number = next++) run_job(limit, running, number);
    };
    {
      lab::jthread first = start_thread("worker 1", work);
      lab::jthread second = start_thread("worker 2", work);
      lab::jthread third = start_thread("worker 3", work);
      work();
    }
    check_time(4 * kYear, "8 jobs of a year each, two at a time, did not take 4 years");
    shut_down(limit);
    check_time(4 * kYear, "no job was running, but shutdown() waited");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// Two jobs are running. One of them ends after a year, the other one after ten; one throws, and the
// other one returns.
TEST(LeakedPermit, ShutdownWaitsForRunningJobsAndRefusesTheOthers) {
  for (const bool throw_is_last : {false, true}) {
    const auto throws_at = throw_is_last ? 10 * kYear : kYear;
    const auto returns_at = throw_is_last ? kYear : 10 * kYear;
    const auto scenario = [throws_at, returns_at] {
      JobLimit limit(2);
      lab::jthread first = start_thread("worker 1", [&] {
        try {
          (void)limit.run([&] {
            lab::this_thread::sleep_for(throws_at);
            check_refused(limit);  // a job in a job
            lab::note("its job throws");
            throw std::string("gone");
          });
        } catch (const std::string& error) {
          lab::check(error == "gone", "run() threw something else than its job");
          check_refused(limit);
          check_time(throws_at, "a run() after shutdown() did not return at once");
          return;
        }
        lab::check(false, "the job threw, but run() threw nothing: its caller must know");
      });
      lab::jthread second = start_thread("worker 2", [&] {
        const bool ran = limit.run([returns_at] { lab::this_thread::sleep_for(returns_at); });
        lab::check(ran, "run() returned false, although it ran its job");
        check_time(returns_at, "run() did not return when its job had finished");
      });
      lab::this_thread::sleep_for(1h);  // by then, both jobs run
      const auto refused_at_once = [&] {
        check_refused(limit);
        check_time(2h,
                   "a run() that waited for a permit did not return when shutdown() was called");
      };
      lab::jthread third = start_thread("worker 3", refused_at_once);
      lab::jthread fourth = start_thread("worker 4", refused_at_once);
      lab::jthread fifth = start_thread("worker 5", refused_at_once);  // with two shutdowns
      const auto returns_at_the_end = [&] {
        shut_down(limit);
        check_time(10 * kYear, "shutdown() did not return when the last job had finished");
      };
      lab::this_thread::sleep_for(1h);
      lab::jthread other = start_thread("other", returns_at_the_end);
      returns_at_the_end();
    };
    lab::Options options = kExactTimes;
    options.max_preemptions = 0;
    options.max_schedules = 175;
    expect_every_schedule(kLesson, scenario, options);
  }
}

// A run() waits for a permit, or is about to, when shutdown() is called. However often a thread
// wakes up, it goes back to sleep.
TEST(LeakedPermit, ShutdownRefusesARunThatWaits) {
  const auto scenario = [] {
    LabGate started("job has started");
    JobLimit limit(1);
    lab::jthread first = start_thread("worker 1", [&] {
      (void)limit.run([&] {
        started.open();
        lab::this_thread::sleep_for(kYear);
      });
    });
    started.wait();
    lab::jthread second = start_thread("worker 2", [&] {
      check_refused(limit);
      check_time(0h, "a run() that waited for a permit did not return when shutdown() was called");
    });
    shut_down(limit);
    check_time(kYear, "shutdown() did not return when the job had finished");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 4, .random_schedules = 0});
}

// A run() is about to take the only permit, which is free, when shutdown() is called. The same
// holds on a machine that reorders memory.
TEST(LeakedPermit, NoJobRunsWhenShutdownHasReturned) {
  const auto scenario = [] {
    lab::atomic<bool> has_returned = false;
    JobLimit limit(1);
    const lab::jthread worker = start_thread("worker", [&] {
      (void)limit.run([&] {
        lab::check(!has_returned, "shutdown() had returned, and then a job started");
        lab::this_thread::sleep_for(1h);
        lab::check(!has_returned, "shutdown() has returned, but a job still runs");
      });
    });
    shut_down(limit);
    has_returned = true;
  };
  for (const bool stale_reads : {false, true}) {
    expect_every_schedule(kLesson, scenario, {.random_schedules = 50, .stale_reads = stale_reads});
  }
}

// Runs a job when it is destroyed, also while an exception is in flight.
struct RunsAJobAtTheEnd {
  ~RunsAJobAtTheEnd() { run_query(limit); }

  JobLimit& limit;
};

// The inner job throws through the outer one, and both give their permits back.
TEST(LeakedPermit, AJobMayRunAJob) {
  const auto scenario = [] {
    JobLimit limit(2);
    const auto here = std::this_thread::get_id();
    const auto check_thread = [here] {
      lab::check(std::this_thread::get_id() == here && lab::running_threads() == 1,
                 "run() does not run the job on the thread that called it");
    };
    for (int i = 0; i < 3; ++i) {
      int runs = 0;
      bool thrown = false;
      try {
        (void)limit.run([&] {
          ++runs;
          check_thread();
          (void)limit.run(check_thread);
          const RunsAJobAtTheEnd end{limit};
          (void)limit.run([&] {
            check_thread();
            throw QueryFailed();
          });
          lab::check(false, "the inner job threw, but its run() threw nothing");
        });
      } catch (const QueryFailed&) {
        thrown = true;
      }
      lab::check(thrown, "the job threw, but run() threw nothing: its caller must know");
      lab::check(runs == 1, "a job ran " + std::to_string(runs) + " times; wanted: once");
    }
    shut_down(limit);
  };
  expect_every_schedule(kLesson, scenario, {.random_schedules = 0});  // there is one thread
}

// After a year, worker 2 has the other permit for a year. A job in a job waits for it meanwhile,
// perhaps until shutdown() is called.
TEST(LeakedPermit, AJobInAJobTakesAPermitToo) {
  for (const bool shuts_down : {false, true}) {
    const auto scenario = [shuts_down] {
      JobLimit limit(2);
      lab::jthread other = start_thread("worker 2", [&] {
        lab::this_thread::sleep_for(1h);  // by then, the inner job runs
        const bool ran = limit.run([] {
          check_time(kYear, "two jobs, one in the other, ran, and a third job started");
          lab::this_thread::sleep_for(kYear);
        });
        lab::check(ran, "run() returned false although the limit is open");
      });
      lab::jthread closer = start_thread("closer", [&] {
        lab::this_thread::sleep_for(kYear + 2h);
        if (shuts_down) shut_down(limit);
      });
      (void)limit.run([&] {
        (void)limit.run([] { lab::this_thread::sleep_for(kYear); });
        lab::this_thread::sleep_for(1h);  // by then, worker 2 has the permit
        shuts_down ? check_refused(limit) : run_query(limit);
        check_time(shuts_down ? kYear + 2h : 2 * kYear,
                   "a job in a job did not wait until a permit was free, or until shutdown()");
        lab::this_thread::sleep_for(kYear);
      });
    };
    expect_every_schedule(kLesson, scenario, kExactTimes);
  }
}

}  // namespace
}  // namespace worker_pool
