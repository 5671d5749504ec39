#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "21_late_timer",
    "the shutdown let the worker empty the queue and exit, then the delay of a job passed, and the "
    "timer, which was still running, put that job into the queue. No worker is left to run it, and "
    "shutdown() did not return it either: an accepted job is lost, and nothing says so.");

constexpr auto kYear = 24h * 365;

// What happened to the jobs of a scenario. Each has a number.
class Record {
 public:
  explicit Record(std::size_t jobs) : jobs_(jobs) {}

  // A job that takes `time`. It must not run before `due`.
  Job job(std::size_t number, lab::steady_clock::duration time = 0s,
          lab::steady_clock::duration due = 0s) {
    return [this, number, time, due] {
      if (is_returned_) {
        returned_ = number;
        return;
      }
      const std::string name = "job " + std::to_string(number);
      lab::note("runs " + name);
      lab::check(lab::steady_clock::now().time_since_epoch() >= due,
                 name + " ran before its delay had passed");
      lab::check(!jobs_[number].ran, name + " ran twice");
      if (worker_ == std::thread::id()) worker_ = std::this_thread::get_id();
      lab::check(worker_ == std::this_thread::get_id(), name + " did not run on the worker");
      jobs_[number].ran = true;
      order += std::to_string(number);
      lab::this_thread::sleep_for(time);
    };
  }

  // A job that was refused is still the caller's, and only such a job.
  bool submitted(std::size_t number, bool accepted, const Job& job) {
    if (accepted) jobs_[number].accepted = true;
    lab::check(accepted || job != nullptr, "a job was refused, but the caller no longer has it");
    lab::check(!accepted || job == nullptr, "a job was accepted, but the caller still has it");
    return accepted;
  }

  // Shuts the pool down, and checks that no accepted job is lost, unless others submit meanwhile.
  std::string shut_down(Pool& pool) {
    lab::note("calls shutdown()");
    std::vector<Job> not_run = pool.shutdown();
    lab::check(lab::running_threads() == 1 + other_threads,
               "shutdown() has returned, but a thread of the pool still runs");
    std::string numbers;
    is_returned_ = true;
    for (const Job& job : not_run) {
      lab::check(job != nullptr, "shutdown() returned an empty job");
      job();  // says which one it is
      Entry& entry = jobs_[returned_];
      const std::string number = std::to_string(returned_);
      lab::check(!entry.ran, "shutdown() returned job " + number + ", but it has run");
      lab::check(!entry.handed_back, "shutdown() returned job " + number + " twice");
      entry.handed_back = true;
      numbers += number;
    }
    is_returned_ = false;
    if (other_threads == 0) check_all();
    return numbers;
  }

  void check_all() const {
    for (std::size_t number = 0; number < jobs_.size(); ++number) {
      const Entry& entry = jobs_[number];
      const std::string name = "job " + std::to_string(number);
      const bool seen = entry.ran || entry.handed_back;
      lab::check(!entry.accepted || seen, name + " was accepted, but shutdown() has returned and " +
                                              "the job neither ran nor was returned: it is lost");
      lab::check(entry.accepted || !seen, name + " was refused, but it ran, or was returned");
    }
  }

  std::string order;              // of the jobs that ran
  std::size_t other_threads = 0;  // besides main, when shutdown() returns

 private:
  struct Entry {
    bool accepted = false;
    bool ran = false;
    bool handed_back = false;
  };

  std::vector<Entry> jobs_;
  std::thread::id worker_;
  bool is_returned_ = false;  // a job that is called was returned by shutdown()
  std::size_t returned_ = 0;  // which one
};

bool submit(Pool& pool, Record& record, std::size_t number, Job job) {
  return record.submitted(number, pool.submit(std::move(job)), job);
}

bool submit_after(Pool& pool, Record& record, lab::steady_clock::duration delay, std::size_t number,
                  Job job) {
  return record.submitted(number, pool.submit_after(delay, std::move(job)), job);
}

TEST(LateTimer, ADelayPassesDuringShutdown) {
  const auto scenario = [] {
    Record record(1);
    Pool pool;
    lab::note("submits job 0, to run in 10 ms");
    submit_after(pool, record, 10ms, 0, record.job(0, 0s, 10ms));
    record.shut_down(pool);
  };
  expect_every_schedule(kLesson, scenario, {.max_schedules = 400, .random_schedules = 20});
}

// No thread is delayed for as long as the jobs and the sleeps below. A thread that polls for years
// takes more steps than a schedule may have.
constexpr lab::Options kExactTimes{.max_preemptions = 1,
                                   .max_spurious_wakeups = 0,
                                   .early_timeouts = false,
                                   .max_schedules = 100,
                                   .random_schedules = 30};

TEST(LateTimer, SeveralDelaysPassDuringShutdown) {
  const auto scenario = [] {
    Record record(3);
    Pool pool;
    submit_after(pool, record, 20ms, 0, record.job(0, 0s, 20ms));
    submit_after(pool, record, 10ms, 1, record.job(1, 0s, 10ms));
    submit(pool, record, 2, record.job(2));
    lab::this_thread::sleep_for(10ms);
    const std::string returned = record.shut_down(pool);
    lab::check(returned != "01", "shutdown() returned job 0 before job 1, which is due earlier");
  };
  lab::Options options = kExactTimes;
  options.max_schedules = 300;
  expect_every_schedule(kLesson, scenario, options);
}

// A job that fails submits itself again, with a delay, and runs at most three times.
TEST(LateTimer, AJobIsRetriedDuringShutdown) {
  const auto scenario = [] {
    Record record(3);
    Pool pool;
    submit(pool, record, 0, [&, first = record.job(0), second = record.job(1)] {
      first();
      submit_after(pool, record, 10ms, 1, [&, second] {
        second();
        if (record.order.size() < 2) return;  // it was returned
        submit_after(pool, record, 0ms, 2, record.job(2));
      });
    });
    record.shut_down(pool);
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_spurious_wakeups = 0, .max_schedules = 200, .random_schedules = 20});
}

// A thread may be delayed until a time limit has passed.
constexpr lab::Options kLateThreads{
    .max_preemptions = 1, .max_spurious_wakeups = 0, .max_schedules = 700, .random_schedules = 20};

TEST(LateTimer, AnotherThreadSubmitsDuringShutdown) {
  const auto scenario = [] {
    Record record(2);
    record.other_threads = 1;
    LabGate started("producer"), done("shutdown");
    Pool pool;
    lab::jthread producer("producer", [&] {
      started.open();
      submit_after(pool, record, 10ms, 0, record.job(0, 0s, 10ms));
      submit(pool, record, 1, record.job(1));
      done.wait();
    });
    started.wait();
    record.shut_down(pool);
    done.open();
    producer.join();
    record.check_all();
  };
  expect_every_schedule(kLesson, scenario, kLateThreads);
}

// The timer may wake up only when all jobs are due, or even when the shutdown has begun.
TEST(LateTimer, ALateTimerMovesTheEarliestJobFirst) {
  const auto scenario = [] {
    Record record(3);
    Pool pool;
    submit_after(pool, record, 20ms, 0, record.job(0, 0s, 20ms));
    lab::this_thread::sleep_for(1ms);
    submit_after(pool, record, 10ms, 1, record.job(1, 0s, 11ms));
    const bool late = lab::steady_clock::now().time_since_epoch() >= 10ms;
    lab::this_thread::sleep_for(1h);
    submit_after(pool, record, -2h, 2, record.job(2));
    const std::string returned = record.shut_down(pool);
    lab::check(late || !record.order.starts_with("01"), "job 0 ran before job 1, due earlier");
    lab::check(returned == "2" || !returned.starts_with("2"),
               "job 2, whose delay is negative, was returned before a job that was due earlier");
  };
  expect_every_schedule(kLesson, scenario, kLateThreads);
}

TEST(LateTimer, EachJobRunsWhenItIsDue) {
  const auto scenario = [] {
    Record record(9);
    Pool pool;
    const auto at = [&](std::size_t number, lab::steady_clock::duration due) {
      submit_after(pool, record, due - lab::steady_clock::now().time_since_epoch(), number,
                   [due, job = record.job(number, 0s, due)] {
                     check_time(due, "a delayed job did not run when it was due");
                     job();
                   });
    };
    for (const std::size_t number : {1uz, 2uz}) at(number, 20 * kYear);
    submit(pool, record, 3, record.job(3));
    submit_after(pool, record, -1s, 4, [&, job = record.job(4)] {
      check_time(0s, "a job with a negative delay did not run at once");
      job();
      at(7, 1h);
    });
    lab::this_thread::sleep_for(kYear);
    at(0, 20 * kYear + 1ns);  // with a shorter delay than jobs 1 and 2, which are due before
    at(5, 2 * kYear);         // earlier than those for which the timer waits
    at(6, kYear + 1ns);
    lab::this_thread::sleep_for(40 * kYear);
    at(8, 50 * kYear);  // until now, the timer waits for no job
    lab::this_thread::sleep_for(10 * kYear);
    lab::check(record.shut_down(pool).empty(), "shutdown() returned a job that was due");
    // Jobs 1 and 2 are due at the same time.
    lab::check(record.order == "347651208" || record.order == "347652108",
               "the jobs ran in the order " + record.order + "; wanted: 347651208");
    check_time(51 * kYear, "shutdown() waited although there was no job");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// Job 0 submits job 1, and runs on. Meanwhile jobs 2 and 3 become due: they run after job 1, and
// before job 4, which may come later, perhaps with a negative delay.
enum class Fourth { kNone, kSubmitted, kOverdue };

TEST(LateTimer, AJobThatIsDueWaitsForItsTurn) {
  for (const auto fourth : {Fourth::kNone, Fourth::kSubmitted, Fourth::kOverdue}) {
    const auto scenario = [fourth] {
      Record record(5);
      Pool pool;
      submit(pool, record, 0, [&, job = record.job(0, 1h)] {
        submit(pool, record, 1, record.job(1));
        job();
      });
      submit_after(pool, record, 10min, 2, record.job(2));
      submit_after(pool, record, 15min, 3, record.job(3));
      lab::this_thread::sleep_for(20min);
      if (fourth == Fourth::kSubmitted) submit(pool, record, 4, record.job(4));
      if (fourth == Fourth::kOverdue) submit_after(pool, record, -1h, 4, record.job(4));
      lab::this_thread::sleep_for(20min);
      lab::check(record.shut_down(pool).empty(), "shutdown() returned a job that was due");
      const std::string wanted = fourth == Fourth::kNone ? "0123" : "01234";
      lab::check(record.order == wanted,
                 "the jobs ran in the order " + record.order + "; wanted: " + wanted);
      check_time(1h, "shutdown() did not return when the last job had finished");
    };
    expect_every_schedule(kLesson, scenario, kExactTimes);
  }
}

TEST(LateTimer, AThreadSleepsHoweverOftenItWakesUp) {
  const auto scenario = [] {
    Record record(2);
    Pool pool;
    lab::this_thread::sleep_for(1h);  // the worker wakes up for no reason
    submit(pool, record, 0, record.job(0));
    lab::check(record.shut_down(pool).empty(), "shutdown() returned a job that was queued");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 3, .random_schedules = 0});
}

// Three jobs of a year are queued. During the second one, a job becomes due.
TEST(LateTimer, ShutdownWaitsForQueuedJobsAndForNoDelay) {
  const auto scenario = [] {
    Record record(8);
    Pool pool;
    submit_after(pool, record, kYear + 2h, 3, record.job(3, kYear, kYear + 2h));
    submit_after(pool, record, 50 * kYear, 1, record.job(1, 0s, 50 * kYear));
    submit_after(pool, record, 100 * kYear, 0, record.job(0, 0s, 100 * kYear));
    submit_after(pool, record, 50 * kYear + 1ns, 2, record.job(2, 0s, 50 * kYear + 1ns));
    for (const std::size_t number : {4uz, 5uz, 6uz})
      submit(pool, record, number, record.job(number, kYear));
    lab::this_thread::sleep_for(1h);
    const std::string returned = record.shut_down(pool);
    const bool third_ran = record.order == "4563";
    lab::check(third_ran || record.order == "456",
               "the jobs ran in the order " + record.order + "; wanted: 456, or 4563");
    lab::check(returned == (third_ran ? "120" : "3120"),
               "shutdown() returned the jobs " + returned + "; wanted: the earliest first");
    check_time(third_ran ? 4 * kYear : 3 * kYear,
               "shutdown() did not return when the last job had finished");
    lab::note("submits jobs after shutdown()");
    submit(pool, record, 7, record.job(7));
    submit_after(pool, record, 0s, 7, record.job(7));
    lab::check(record.shut_down(pool).empty(), "a second shutdown() returned a job");
    lab::this_thread::sleep_for(200 * kYear);
    record.check_all();
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(LateTimer, NoJobIsAcceptedWhileShutdownWaits) {
  const auto scenario = [] {
    Record record(4);
    Pool pool;
    submit(pool, record, 0, [&, job = record.job(0, 2h)] {
      job();
      const bool accepted = submit(pool, record, 1, record.job(1)) ||
                            submit_after(pool, record, 1ms, 2, record.job(2)) ||
                            submit_after(pool, record, kYear, 3, record.job(3));
      lab::check(!accepted, "a job was accepted an hour after the call of shutdown()");
    });
    lab::this_thread::sleep_for(1h);
    lab::check(record.shut_down(pool).empty(), "shutdown() returned a job that was refused");
    check_time(2h, "shutdown() did not return when the last job had finished");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// When a job is destroyed, it submits another one, as a job does that reports that it was dropped.
// The first one ends a year after ~Pool has begun.
TEST(LateTimer, TheDestructorIsAShutdown) {
  const auto scenario = [] {
    Record record(2);
    int destroyed = 0;
    {
      Pool pool;
      const auto end_of_job = [&] {
        ++destroyed;
        lab::check(!pool.submit([] {}), "the pool took a job while it was destroyed");
      };
      (void)pool.submit_after(10 * kYear, [end = at_the_end(end_of_job)] {
        lab::check(false, "a job ran before its delay had passed");
      });
      for (const std::size_t number : {0uz, 1uz})
        submit(pool, record, number,
               [job = record.job(number, kYear), end = at_the_end(end_of_job)] { job(); });
      lab::note("destroys the pool");
    }
    lab::check(lab::running_threads() == 1, "the pool was destroyed, but its threads still run");
    lab::check(record.order == "01", "the pool was destroyed, but not all queued jobs have run");
    lab::check(destroyed == 3, "the pool was destroyed, but not all that its jobs own");
    check_time(2 * kYear, "the destructor did not return when the last job had finished");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// One job runs at once, one after its delay, and one is returned.
TEST(LateTimer, NoLockIsHeldWhileACopyOfAJobIsDestroyed) {
  const auto scenario = [] {
    Pool pool;
    lab::note("submits jobs that submit another one whenever a copy of them is destroyed");
    const auto submit_another = [&] { (void)pool.submit([] {}); };
    (void)pool.submit([end = EachCopyAtTheEnd(submit_another)] {});
    for (const auto delay : {1h, 100h})
      (void)pool.submit_after(delay, [end = EachCopyAtTheEnd(submit_another)] {});
    lab::this_thread::sleep_for(2h);
    (void)pool.shutdown();
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// Its only job comes from a job of another pool, and takes five years.
TEST(LateTimer, AnIdlePoolShutsDownAtOnce) {
  const auto scenario = [] {
    Record record(1);
    Pool pool;
    {
      Pool other;
      Pool unused;
      (void)other.submit([&] { submit(pool, record, 0, record.job(0, 5 * kYear)); });
    }
    lab::this_thread::sleep_for(10 * kYear);
    lab::check(record.shut_down(pool).empty(), "shutdown() returned a job that was due");
    check_time(10 * kYear, "shutdown() waited, although its only job was over after 5 years");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

}  // namespace
}  // namespace worker_pool
