#include <array>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "17_dropped_after_pop",
    "the worker took the job off the queue, then it saw that the pool was stopping, and it "
    "exited with the job in its hand. The queue no longer has the job, so the shutdown cannot hand "
    "it back. Its caller waits for a result, and no log line says that the job is lost.");

// A pool with two workers has too many schedules to try all of them.
constexpr lab::Options kTwoWorkers{
    .max_preemptions = 1, .max_spurious_wakeups = 0, .max_schedules = 300, .random_schedules = 100};
constexpr lab::Options kFewSchedules{
    .max_preemptions = 1, .max_spurious_wakeups = 0, .max_schedules = 150, .random_schedules = 30};
// No thread is delayed for as long as the sleeps below.
constexpr lab::Options kExactTimes{
    .max_preemptions = 0, .early_timeouts = false, .max_schedules = 200, .random_schedules = 30};

std::string named(std::size_t number) { return "job " + std::to_string(number); }

// Numbered jobs, and what became of each of them.
class Jobs {
 public:
  explicit Jobs(std::size_t count) : jobs_(count) {}

  void submit(Pool& pool, std::size_t i, Job body = [] {}) {
    const bool accepted = pool.submit(job(i, std::move(body)));
    lab::check(accepted, named(i + 1) + " was refused before any shutdown");
  }
  void submit_all(Pool& pool, std::size_t first = 0) {
    for (std::size_t i = first; i < jobs_.size(); ++i) submit(pool, i);
  }

  // A job that `body` follows. It records that it runs, and that it is destroyed.
  Job job(std::size_t i, Job body = [] {}) {
    return [this, i, body = std::move(body), owned = Attachment(copies_),
            end = at_the_end([this, i] { ++jobs_[i].destroyed; })] {
      ++jobs_[i].ran;
      body();
    };
  }

  // After the shutdown: each job has run, or is the next one in `handed_back`, which runs here.
  void check_shutdown(std::deque<Job> handed_back) {
    lab::check(lab::running_threads() == 1, "shutdown() returned, but a worker still runs");
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (ran(i)) {
        ++started_;
        is_prefix_ = is_prefix_ && started_ == i + 1;
        continue;
      }
      lab::check(jobs_[i].destroyed == 0 && !handed_back.empty(),
                 named(i + 1) + " was accepted, but it has neither run nor been handed back");
      const Job job = std::move(handed_back.front());
      handed_back.pop_front();
      lab::check(job != nullptr, "shutdown() handed back an empty job");
      lab::note("runs a job that was handed back");
      job();
      lab::check(ran(i), "the jobs handed back are not those that have not started, oldest first");
    }
    lab::check(handed_back.empty(), "shutdown() handed back a job that had run");
    for (std::size_t i = 0; i < jobs_.size(); ++i) check_ran_once(i);
    lab::check(copies_ == 0, "the pool copied a job; wanted: it moves them");
  }

  // How many of them the workers ran, and whether these were the oldest.
  std::size_t started() const { return started_; }
  bool oldest_started() const { return is_prefix_; }

  bool ran(std::size_t i) const { return jobs_[i].ran > 0; }
  bool destroyed(std::size_t i) const { return jobs_[i].destroyed > 0; }

 private:
  struct State {
    int ran = 0;
    int destroyed = 0;
  };

  void check_ran_once(std::size_t i) const {
    lab::check(jobs_[i].ran == 1, named(i + 1) + " ran " + std::to_string(jobs_[i].ran) + " times");
    lab::check(jobs_[i].destroyed == 1, named(i + 1) + " has run, but the pool still has it");
  }

  std::vector<State> jobs_;
  int copies_ = 0;
  std::size_t started_ = 0;
  bool is_prefix_ = true;
};

TEST(DroppedAfterPop, EachJobRunsOrIsHandedBack) {
  const auto scenario = [] {
    Jobs jobs(1);
    Pool pool(1);
    lab::this_thread::sleep_for(1s);  // so that the worker waits for a job
    jobs.submit_all(pool);
    lab::note("shuts the pool down");
    jobs.check_shutdown(pool.shutdown());
  };
  expect_every_schedule(kLesson, scenario, {.max_spurious_wakeups = 0, .random_schedules = 50});
}

TEST(DroppedAfterPop, NoneOfSeveralJobsIsLost) {
  for (const std::size_t workers : {1uz, 2uz}) {
    const auto scenario = [workers] {
      Jobs jobs(workers + 2);
      Pool pool(static_cast<int>(workers));
      jobs.submit_all(pool);
      lab::note("shuts the pool down");
      jobs.check_shutdown(pool.shutdown());
      lab::check(workers > 1 || jobs.oldest_started(), "the only worker skipped an older job");
    };
    expect_every_schedule(kLesson, scenario, workers == 1 ? kFewSchedules : kTwoWorkers);
  }
}

// Each worker may have taken a job, and not started it, when the shutdown begins. That takes three
// preemptions; about one random schedule in a hundred gets there.
TEST(DroppedAfterPop, TheJobsInHandAreHandedBackTheOldestFirst) {
  const auto scenario = [] {
    Jobs jobs(2);
    Pool pool(2);
    jobs.submit_all(pool);
    jobs.check_shutdown(pool.shutdown());
  };
  lab::Options options = kTwoWorkers;
  options.random_schedules = 1'500;
  expect_every_schedule(kLesson, scenario, options);
}

// Both workers are busy when the shutdown begins, and finish their jobs one hour later.
TEST(DroppedAfterPop, QueuedJobsDoNotStart) {
  for (const auto& [workers, queued] :
       {std::pair(1uz, 40uz), std::pair(2uz, 40uz), std::pair(1uz, 1'200uz)}) {
    const auto scenario = [workers, queued] {
      Jobs jobs(workers + queued);
      LabGate gate("running jobs");
      Pool pool(static_cast<int>(workers));
      for (std::size_t i = 0; i < workers; ++i) {
        jobs.submit(pool, i, [&] { gate.wait(); });
        lab::this_thread::sleep_for(1s);  // by then it has started
      }
      jobs.submit_all(pool, workers);
      std::deque<Job> handed_back;
      {
        lab::jthread other("other", [&] {
          lab::note("shuts the pool down");
          handed_back = pool.shutdown();
          lab::note("shutdown() has returned");
          lab::check(jobs.ran(0), "shutdown() did not wait for a running job");
          lab::check(
              lab::steady_clock::now().time_since_epoch() == 1h + std::chrono::seconds(workers),
              "shutdown() did not return when the last running job had finished");
        });
        lab::this_thread::sleep_for(1h);
        Job late = [] {};
        lab::check(!pool.submit(std::move(late)), "a job was accepted after a shutdown had begun");
        lab::check(late != nullptr, "a job was refused, but the caller no longer has it");
        gate.open();
      }
      jobs.check_shutdown(std::move(handed_back));
      lab::check(jobs.started() == workers,
                 "a job started that was still queued long after the shutdown had begun");
      lab::check(pool.shutdown().empty(), "a second shutdown() handed back a job");
    };
    lab::Options options = kExactTimes;
    options.max_steps = 50'000;
    if (queued > 100) options.max_schedules = options.random_schedules = 1;
    expect_every_schedule(kLesson, scenario, options);
  }
}

TEST(DroppedAfterPop, AnIdlePoolStopsAtOnce) {
  const auto scenario = [] {
    lab::atomic<bool> destroyed = false;
    Pool pool(2);
    for (int call = 1; call <= 2; ++call) {
      destroyed = false;
      (void)pool.submit([end = at_the_end([&] { destroyed = true; })] {});
      lab::this_thread::sleep_for(24h * 3650);  // longer than a thread can poll
      lab::check(destroyed, "the pool is idle, but a job has not run, or still exists");
    }
    lab::check(pool.shutdown().empty(), "an idle pool handed back a job");
    lab::check(lab::running_threads() == 1, "shutdown() returned, but a worker still runs");
    lab::check(pool.shutdown().empty(), "a second shutdown() handed back a job");
    lab::check(!pool.submit([] {}), "a job was accepted after the shutdown");
    check_time(2 * 24h * 3650, "the shutdown of an idle pool took time");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
  // Here, a load may return an older value, unless a memory order forbids it.
  expect_every_schedule(kLesson, [] { (void)Pool(1).shutdown(); }, {.stale_reads = true});
}

TEST(DroppedAfterPop, AnIdleWorkerSleepsHoweverOftenItWakesUp) {
  const auto scenario = [] {
    lab::atomic<bool> started = false;
    Jobs jobs(1);
    Pool pool(1);
    lab::this_thread::sleep_for(1s);
    jobs.submit(pool, 0, [&] { started = true; });
    lab::this_thread::sleep_for(1s);
    lab::check(started, "the only worker was idle, but it did not start the job");
    jobs.check_shutdown(pool.shutdown());
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 6, .random_schedules = 0});
}

// Each of jobs 1 and 2 waits until the other one runs, too. When job 2 ends, either worker may take
// job 3. The other one is asleep when job 3 submits job 4, and then jobs 5 and 6, and runs them.
TEST(DroppedAfterPop, BothWorkersRunJobsAtOnce) {
  const auto scenario = [] {
    LabGate first("job 1 runs");
    LabGate second("job 2 runs");
    LabGate end("end of job 2");
    lab::atomic<std::size_t> ran = 0;  // of jobs 4 to 6
    Jobs jobs(6);
    Pool pool(2);
    lab::this_thread::sleep_for(1h);
    jobs.submit(pool, 0, [&] {
      first.open();
      second.wait();
    });
    jobs.submit(pool, 1, [&] {
      second.open();
      first.wait();
      end.wait();
    });
    lab::this_thread::sleep_for(1s);  // by then, one worker waits for a job
    jobs.submit(pool, 2, [&] {
      check_time(1h + 1s, "the workers were woken by the clock, not by submit()");
      lab::this_thread::sleep_for(1s);
      for (const std::size_t i : {3uz, 4uz, 5uz}) {
        jobs.submit(pool, i, [&] { ++ran; });
        if (i == 4) continue;
        lab::this_thread::sleep_for(1s);
        lab::check(ran == i - 2, "a worker was free, but it did not run " + named(i + 1));
      }
    });
    end.open();
    lab::this_thread::sleep_for(1h);
    lab::check(pool.shutdown().empty(), "the workers were free for an hour, but a job was left");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// Job 1 submits jobs 4 to 23, after job 3 and before job 24. Job 2 runs when the shutdown begins.
TEST(DroppedAfterPop, JobsThatAJobSubmitsKeepTheirPlaces) {
  const auto scenario = [] {
    Jobs jobs(24);
    LabGate first("job 1");
    Pool pool(1);
    jobs.submit(pool, 0, [&] {
      first.wait();
      for (std::size_t i = 3; i < 23; ++i) jobs.submit(pool, i);
    });
    first.await_arrival();
    jobs.submit(pool, 1, [&] {
      lab::check(jobs.destroyed(0), "job 2 has started, but what job 1 owned still exists");
      lab::this_thread::sleep_for(1h);
      lab::check(!pool.submit([] {}), "a job's job was accepted after a shutdown had begun");
    });
    jobs.submit(pool, 2);
    first.open();
    lab::this_thread::sleep_for(1s);  // by then job 2 runs
    jobs.submit(pool, 23);
    jobs.check_shutdown(pool.shutdown());
    lab::check(jobs.oldest_started(), "the only worker did not run the oldest jobs");
    lab::check(jobs.started() == 2,
               "job 2 ended after the shutdown had begun, and the worker started job 3");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(DroppedAfterPop, NoLockIsHeldWhileACopyOfAJobIsDestroyed) {
  const auto scenario = [] {
    Pool pool(1);
    lab::note("submits jobs that submit another one whenever a copy of them is destroyed");
    const auto submit = [&] { (void)pool.submit([] {}); };
    (void)pool.submit([end = EachCopyAtTheEnd(submit)] { lab::this_thread::sleep_for(1h); });
    (void)pool.submit([end = EachCopyAtTheEnd(submit)] {});
    lab::this_thread::sleep_for(1s);
    (void)pool.shutdown();
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(DroppedAfterPop, AJobMaySubmitJobsDuringTheShutdown) {
  const auto scenario = [] {
    int children = 0, finished = 0;  // submitted while a job runs, and while it is destroyed
    Pool pool(1);
    const auto submit_child = [&] {
      if (pool.submit([&] { ++finished; })) ++children;
    };
    const bool accepted =
        pool.submit([&, end = at_the_end([&] { submit_child(); })] { submit_child(); });
    lab::check(accepted, "a job was refused before any shutdown");
    lab::note("shuts the pool down");
    std::deque<Job> handed_back = pool.shutdown();
    while (!handed_back.empty()) {
      handed_back.front()();
      handed_back.pop_front();
    }
    lab::check(finished == children,
               "of " + std::to_string(children) + " accepted jobs that a job submitted, only " +
                   std::to_string(finished) + " have run or been handed back");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_spurious_wakeups = 0, .max_schedules = 400, .random_schedules = 100});
}

// Each running job sees that the shutdown has begun: its own job is refused. Then no job starts.
TEST(DroppedAfterPop, NoJobStartsAfterAJobWasRefused) {
  for (const std::size_t workers : {1uz, 2uz}) {
    const auto scenario = [workers] {
      LabGate gate("running jobs");
      Jobs jobs(workers + 1);
      std::array was_refused = {true, true};
      Pool pool(static_cast<int>(workers));
      for (std::size_t i = 0; i < workers; ++i) {
        (void)pool.submit(jobs.job(i, [&, i] {
          gate.wait();
          was_refused[i] = !pool.submit([] {});
        }));
        lab::this_thread::sleep_for(1s);  // by then it has started
      }
      (void)pool.submit(jobs.job(workers));
      gate.open();
      (void)pool.shutdown();
      lab::check(!was_refused[0] || !was_refused[1] || !jobs.ran(workers),
                 "the running jobs had seen that the shutdown had begun, then another job started");
    };
    expect_every_schedule(kLesson, scenario, kFewSchedules);
  }
}

TEST(DroppedAfterPop, AJobDuringTheShutdownIsAcceptedOrRefused) {
  const auto scenario = [] {
    bool ran = false, accepted = false;
    LabGate begins("producer begins");
    Pool pool(1);
    lab::thread producer("producer", [&] {
      begins.open();
      Job job = [&] { ran = true; };
      accepted = pool.submit(std::move(job));
      lab::note(accepted ? "its job was accepted" : "its job was refused");
      lab::check(accepted || job != nullptr, "a job was refused, but the caller no longer has it");
    });
    begins.wait();  // so that it takes one preemption to shut down during submit()
    lab::note("shuts the pool down");
    std::deque<Job> handed_back = pool.shutdown();
    producer.join();
    lab::check(handed_back.size() <= 1, "shutdown() handed back more jobs than were submitted");
    lab::check(!ran || handed_back.empty(), "a job ran, and was handed back too");
    lab::check(accepted == (ran || !handed_back.empty()),
               accepted ? "a job was accepted, but it has neither run nor been handed back"
                        : "a job was refused, but it ran or was handed back");
  };
  expect_every_schedule(kLesson, scenario, kFewSchedules);
}

TEST(DroppedAfterPop, TheDestructorIsAShutdown) {
  const auto scenario = [] {
    int ran = 0, destroyed = 0;
    {
      Pool pool(1);
      const auto end_of_job = [&] {  // while the pool still exists, and without a lock
        const bool accepted = pool.submit([] {});
        lab::check(++destroyed == 1 || !accepted, "the pool took a job while it was destroyed");
        lab::this_thread::sleep_for(1h);
      };
      for (int i = 0; i < 3; ++i) {
        // A string, so that libc++'s std::function is empty once it was moved from.
        (void)pool.submit([&, end = at_the_end(end_of_job), id = std::string()] { ++ran; });
      }
      lab::this_thread::sleep_for(1s);  // by then job 1 has run, and its end takes an hour
      lab::note("destroys the pool");
    }
    lab::check(lab::running_threads() == 1, "the pool was destroyed, but a worker still runs");
    lab::check(ran == 1, "the pool was destroyed, and jobs ran that had not started by then");
    lab::check(destroyed == 3, "the pool was destroyed, but a job in it was not");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

}  // namespace
}  // namespace worker_pool
