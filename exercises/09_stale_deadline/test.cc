#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using TimePoint = lab::steady_clock::time_point;
using Ids = std::vector<std::string>;

constexpr Lesson kLesson(
    "09_stale_deadline",
    "job b was in time when it was submitted, then it waited in the queue until its deadline had "
    "passed, and then it ran anyway. Its result is useless by now, and running it delays the jobs "
    "behind it.");

// Only the jobs take time here.
const lab::Options kExactTimes{.early_timeouts = false};

std::string seconds(lab::steady_clock::duration time) {
  if (time % 1s != 0s) return std::to_string(time.count()) + " ns";
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

// A worker on its own thread, and a record of what happened to each of its jobs.
class Bench {
 public:
  explicit Bench(lab::steady_clock::duration report_takes = 0s) : report_takes_(report_takes) {}

  // The job calls `more` before it takes its time.
  void submit(
      const std::string& id, lab::steady_clock::duration takes,
      lab::steady_clock::duration deadline, const std::function<void()>& more = [] {}) {
    lab::note("submits job " + id + ", with a deadline in " + seconds(deadline));
    const auto submitted = lab::steady_clock::now();
    const auto until = submitted + deadline;
    seen_.at(id) = {.submitted = 1, .late_on_submit = deadline < 0s};
    worker_.submit({.id = id, .deadline = until, .body = [this, id, takes, until, more] {
                      lab::note("runs job " + id + ", which takes " + seconds(takes));
                      const auto late_by = lab::steady_clock::now() - until;
                      lab::check(late_by <= 0s,
                                 "job " + id + " ran " + seconds(late_by) + " after its deadline");
                      lab::check(current_thread() == worker_thread_,
                                 "job " + id + " did not run on the worker's thread");
                      expect_two_threads();
                      Seen& seen = seen_.at(id);
                      ++seen.run;
                      seen.settled = lab::steady_clock::now();
                      more();
                      lab::this_thread::sleep_for(takes);
                    }});
    lab::check(lab::steady_clock::now() == submitted,
               "submit() of job " + id + " waited until a job had finished");
  }

  // When the job started or was reported. After finish() only, which orders it.
  TimePoint settled(const std::string& id) const { return seen_.at(id).settled; }

  // Every job must have run or been reported as late, exactly once.
  void finish() {
    worker_.close();
    thread_.join();
    for (const auto& [id, seen] : seen_) {
      lab::check(seen.run + seen.reported == seen.submitted,
                 "job " + id + " ran " + std::to_string(seen.run) +
                     " times and was reported as late " + std::to_string(seen.reported) +
                     " times; wanted: one of the two, once");
    }
  }

 private:
  struct Seen {
    int submitted = 0, run = 0, reported = 0;
    bool late_on_submit = false;
    TimePoint settled{};
  };

  void report(const Job& job) {
    lab::note("reports job " + job.id + " as late");
    lab::check(seen_.contains(job.id), "a job was reported that was not submitted");
    lab::check(lab::steady_clock::now() > job.deadline,
               "job " + job.id + " was reported as late, but it was in time");
    lab::check(job.body != nullptr, "job " + job.id + " was reported without its body");
    expect_two_threads();
    Seen& seen = seen_.at(job.id);
    lab::check(seen.late_on_submit || current_thread() != main_,
               "job " + job.id + " became late in the queue, but the worker did not report it");
    ++seen.reported;
    seen.settled = lab::steady_clock::now();
    if (report_takes_ != 0s) lab::this_thread::sleep_for(report_takes_);
    if (job.id != "c") return;
    submit("c again", 1s, 60s);
    submit("c late", 1s, -1s);
  }

  static void expect_two_threads() {
    lab::check(lab::running_threads() <= 2, "there is a thread besides main and the worker");
  }

  const lab::steady_clock::duration report_takes_;
  // No thread changes the map itself. The worker's queue orders the changes of one entry.
  std::map<std::string, Seen> seen_{{"a", {}},       {"b", {}},      {"c", {}},
                                    {"c again", {}}, {"c late", {}}, {"d", {}}};
  Worker worker_{[this](const Job& job) { report(job); }};
  const void* const main_ = current_thread();
  const void* worker_thread_ = nullptr;
  lab::thread thread_{"worker", [this] {
                        worker_thread_ = current_thread();
                        worker_.run();
                      }};
};

TEST(StaleDeadline, JobWhoseDeadlineIsOverIsReportedAndNotRun) {
  const auto scenario = [] {
    Bench bench;
    bench.submit("a", 10s, 60s);
    bench.submit("b", 1s, 5s);
    bench.finish();
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(StaleDeadline, EveryJobIsRunInTimeOrReportedOnce) {
  const auto scenario = [] {
    Bench bench;
    bench.submit("a", 10s, 60s);
    bench.submit("b", 1s, -1s);
    bench.submit("c", 1s, 5s);
    bench.submit("d", 1s, 60s);
    bench.finish();
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// The others are simpler: fewer schedules are enough.
const lab::Options kFewer{.max_preemptions = 1, .early_timeouts = false, .random_schedules = 20};

TEST(StaleDeadline, OneNanosecondAfterItsDeadlineAndNotBeforeAJobIsLate) {
  const auto scenario = [] {
    Bench bench;
    const auto takes = 12'345'678'901ns;
    bench.submit("a", takes, 0s);  // in time: no time passes before it starts
    bench.submit("b", 1s, takes - 1ns);
    bench.submit("d", 1s, takes);  // starts in time, and may take longer than its deadline
    bench.finish();
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

TEST(StaleDeadline, NoJobStartsLateBecauseOfASlowReport) {
  for (const Ids& order : {Ids{"b", "d"}, Ids{"d", "b"}}) {
    const auto scenario = [&] {
      Bench bench(1s);
      bench.submit("a", 10s, 60s);
      for (const std::string& id : order) bench.submit(id, 1s, id == "b" ? 5'000ms : 10'500ms);
      bench.finish();
    };
    expect_every_schedule(kLesson, scenario, kFewer);
  }
}

TEST(StaleDeadline, NoJobStartsLateBecauseTheOneBeforeItIsDestroyed) {
  const auto scenario = [] {
    Bench bench;
    bench.submit("a", 6s, 60s, [end = at_the_end([] { lab::this_thread::sleep_for(10s); })] {});
    bench.submit("b", 0s, 5s);
    bench.submit("d", 0s, 15s);
    bench.finish();
    lab::check(bench.settled("b") == TimePoint(16s), "job b was reported before a was destroyed");
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

// All wait for job 0, which submits most. The later a job, the earlier its deadline. Many are late.
TEST(StaleDeadline, JobsStartInTheOrderOfSubmission) {
  const auto scenario = [] {
    constexpr int kJobs = 1'500;
    std::array<bool, kJobs> settled{};  // the job has run or been reported
    auto first_left = settled.begin();  // those before it have
    std::uintptr_t first_report = 0;    // where it is on the worker's stack
    Worker worker([&](const Job& job) {
      settled.at(std::stoul(job.id)) = true;
      if (first_report == 0) first_report = stack_position();
      lab::check(first_report < stack_position() + 4096,
                 "with each late job the stack gets longer, until it overflows");
    });
    const std::function<void(int)> submit = [&](int i) {
      const std::string id = std::to_string(i);
      const auto deadline = lab::steady_clock::now() + (i % 300 >= 20 ? 5s : (3'000 - i) * 1s);
      worker.submit({.id = id, .deadline = deadline, .body = [&, i, id] {
                       lab::note("runs job " + id);
                       first_left = std::find(first_left, settled.end(), false);
                       lab::check(first_left >= settled.begin() + i,
                                  "a job before job " + id + " has neither run nor been reported");
                       settled.at(std::stoul(id)) = true;
                       if (i != 0) return;
                       for (int own = 12; own < kJobs - 1; ++own) submit(own);
                       lab::this_thread::sleep_for(10s);
                     }});
    };
    for (int i = 0; i < 12; ++i) submit(i);
    lab::thread thread("worker", [&] { worker.run(); });
    lab::this_thread::sleep_for(1s);
    submit(kJobs - 1);
    worker.close();
    thread.join();
    lab::check(std::ranges::count(settled, true) == kJobs, "a job neither ran nor was reported");
  };
  expect_every_schedule(
      kLesson, scenario,
      {.max_preemptions = 0, .early_timeouts = false, .max_steps = 50'000, .random_schedules = 0});
}

TEST(StaleDeadline, OnlyTheEarlierOfTheDeadlinesMinAndMaxIsOver) {
  const auto scenario = [] {
    bool ran = false;
    int reported = 0;
    LabGate both("both late jobs are reported");
    std::function<void()> submit_min;
    Worker worker([&](const Job& job) {
      lab::check(job.id == "min", "a job with the deadline max() was late");
      if (++reported == 2) return both.open();
      lab::jthread("other", submit_min);  // is joined at once
    });
    submit_min = [&] {
      worker.submit({.id = "min", .deadline = TimePoint::min(), .body = [] {
                       lab::check(false, "the job with the deadline min() ran");
                     }});
    };
    lab::this_thread::sleep_for(1s);
    worker.submit({.id = "", .deadline = TimePoint::max(), .body = [&] { ran = true; }});
    submit_min();
    lab::thread thread("worker", [&] { worker.run(); });
    both.wait();
    worker.close();
    thread.join();
    lab::check(ran, "the job with the deadline max() and an empty id did not run");
    lab::check(reported == 2, std::to_string(reported) + " of 2 equal jobs were reported as late");
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

// The clock may pass the deadline between any two steps. That is the only preemption. So if it does
// so during submit(), the worker sees the jobs only after that.
TEST(StaleDeadline, TheDeadlineMayPassAtAnyTime) {
  const auto scenario = [] {
    lab::atomic<int> run{0, "jobs run"};
    lab::atomic<int> reported{0, "jobs reported as late"};
    Worker worker([&](const Job&) { ++reported; });
    lab::thread thread("worker", [&] { worker.run(); });
    lab::thread other("other", [] { lab::this_thread::sleep_for(10s); });
    lab::this_thread::sleep_for(1s);
    lab::note("submits jobs a and b, with a deadline in 5 s");
    const auto deadline = lab::steady_clock::now() + 5s;
    for (const std::string id : {"a", "b"}) {
      worker.submit({.id = id, .deadline = deadline, .body = [&] { ++run; }});
    }
    const bool is_late = lab::steady_clock::now() > deadline;
    worker.close();
    thread.join();
    other.join();
    lab::check(run + reported == 2,
               "the deadline passed while the worker checked it: of 2 jobs, " +
                   std::to_string(run) + " ran and " + std::to_string(reported) +
                   " were reported as late; wanted: one of the two, once for each job");
    lab::check(!is_late || run == 0,
               "the deadline passed before the worker saw the jobs, but it ran one");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1, .max_spurious_wakeups = 0, .random_schedules = 0});
}

TEST(StaleDeadline, AJobMaySubmitJobs) {
  const auto scenario = [] {
    Bench bench;
    bench.submit("a", 10s, 60s, [&] {
      bench.submit("b", 1s, 5s);
      bench.submit("d", 1s, 60s);
    });
    bench.finish();
    lab::check(bench.settled("d") == bench.settled("a") + 10s, "job d did not start after job a");
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

TEST(StaleDeadline, TheDestructorOfAJobMaySubmitJobs) {
  for (const auto& [deadline, pause] :
       {std::pair(5s, 0s), std::pair(5s, 3'600s), std::pair(60s, 0s), std::pair(60s, 1s)}) {
    const auto scenario = [deadline, pause] {
      Bench bench;
      bench.submit("a", 10s, 60s);
      bool destroyed = false;
      bench.submit("b", 1s, deadline, [end = at_the_end([&] {
                                         destroyed = true;
                                         bench.submit("d", 1s, 60s);
                                       })] {});
      if (pause == 0s)
        bench.submit("c", 0s, 60s, [&] { lab::check(destroyed, "job b still exists"); });
      lab::this_thread::sleep_for(pause);
      bench.finish();
      lab::check(bench.settled("d") == TimePoint(deadline == 5s ? 10s : 11s),
                 "job d did not start at once: was job b, whose destructor submits it, destroyed?");
    };
    expect_every_schedule(kLesson, scenario, kFewer);
  }
}

TEST(StaleDeadline, TwoWorkersHoldNoLockWhileACopyOfAJobIsDestroyed) {
  const auto scenario = [] {
    Worker worker([](const Job&) {});
    const auto add = [&] { worker.submit({.id = "d", .deadline = TimePoint(60s), .body = [] {}}); };
    for (const TimePoint deadline : {TimePoint(5s), TimePoint(60s)}) {
      lab::note("submits a job that submits another one whenever a copy of it is destroyed");
      worker.submit({.id = "a", .deadline = deadline, .body = [end = EachCopyAtTheEnd(add)] {}});
    }
    lab::this_thread::sleep_for(10s);
    worker.close();
    worker.run();
  };
  const auto at_two_workers = [&] {
    const lab::jthread other("other", scenario);
    scenario();
  };
  expect_every_schedule(kLesson, at_two_workers, kFewer);
}

// When job a is done, the others are late. Job d comes at the same time, later or not at all.
TEST(StaleDeadline, LateJobsAreReportedAtOnceWhateverComesNext) {
  for (const auto& [late, d_comes_at] :
       {std::pair(Ids{"b"}, 20s), std::pair(Ids{"c"}, 0s), std::pair(Ids{"b", "c"}, 10s)}) {
    const auto scenario = [&] {
      Bench bench;
      bench.submit("a", 10s, 60s);
      for (const std::string& id : late) bench.submit(id, 1s, 5s);
      lab::this_thread::sleep_for(d_comes_at);
      if (d_comes_at != 0s) bench.submit("d", 1s, 60s);
      bench.finish();
      for (const std::string& id : late) {
        const auto waited = bench.settled(id) - TimePoint(10s);
        lab::check(waited == 0s,
                   "job " + id + " was late, and was reported only " + seconds(waited) +
                       " after job a was done; wanted: before the worker waits for another job");
      }
    };
    expect_every_schedule(kLesson, scenario, kFewer);
  }
}

TEST(StaleDeadline, AnIdleWorkerStartsAJobOrReturnsAtOnce) {
  const auto scenario = [] {
    Bench bench;
    lab::this_thread::sleep_for(24h * 365);
    const auto submit = [&](const std::string& id) {
      const auto submitted = lab::steady_clock::now();
      bench.submit(id, 0s, 60s, [id, submitted] {
        lab::check(lab::steady_clock::now() == submitted,
                   "the worker was idle, but job " + id + " did not start at once" +
                       (id == "d" ? ": it comes from a job of another worker" : ""));
      });
      lab::this_thread::sleep_for(1'234'567ns);
    };
    for (const std::string id : {"a", "b"}) submit(id);
    Worker other([](const Job&) {});
    other.submit({.id = "other", .deadline = TimePoint::max(), .body = [&] { submit("d"); }});
    other.close();
    other.run();
    bench.submit("c", 1s, -1ns);  // late, and its report submits a job, which takes a second
    lab::this_thread::sleep_for(2s);
    const auto closed = lab::steady_clock::now();
    bench.finish();
    lab::check(lab::steady_clock::now() == closed, "idle, but run() did not return at once");
    Bench().finish();
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

TEST(StaleDeadline, AnIdleWorkerSleepsHoweverOftenItWakesUp) {
  const auto scenario = [] {
    Bench bench;
    bench.submit("a", 0s, 60s);
    bench.finish();
  };
  expect_every_schedule(
      kLesson, scenario,
      {.max_preemptions = 1, .max_spurious_wakeups = 12, .early_timeouts = false});
}

}  // namespace
}  // namespace worker_pool
