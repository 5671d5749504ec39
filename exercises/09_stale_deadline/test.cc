#include <chrono>
#include <map>
#include <string>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "09_stale_deadline",
    "job b was in time when it was submitted, then it waited in the queue until its deadline had "
    "passed, and then it ran anyway. Its result is useless by now, and running it delays the jobs "
    "behind it.");

// Only the jobs take time here.
const lab::Options kExactTimes{.early_timeouts = false};

std::string seconds(lab::steady_clock::duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

// A worker on its own thread, and a record of what happened to each of its jobs.
class Bench {
 public:
  void submit(const std::string& id, lab::steady_clock::duration takes,
              lab::steady_clock::duration deadline) {
    lab::note("submits job " + id + ", with a deadline in " + seconds(deadline));
    const auto until = lab::steady_clock::now() + deadline;
    seen_.at(id).submitted = true;
    worker_.submit({.id = id, .deadline = until, .body = [this, id, takes, until] {
                      lab::note("runs job " + id + ", which takes " + seconds(takes));
                      const auto late_by = lab::steady_clock::now() - until;
                      lab::check(late_by <= 0s,
                                 "job " + id + " ran " + seconds(late_by) + " after its deadline");
                      ++seen_.at(id).run;
                      lab::this_thread::sleep_for(takes);
                    }});
  }

  // Every job must have run or been reported as late, exactly once.
  void finish() {
    worker_.close();
    thread_.join();
    for (const auto& [id, seen] : seen_) {
      if (!seen.submitted) continue;
      lab::check(seen.run + seen.reported == 1, "job " + id + " ran " + std::to_string(seen.run) +
                                                    " times and was reported as late " +
                                                    std::to_string(seen.reported) +
                                                    " times; wanted: one of the two, once");
    }
  }

 private:
  struct Seen {
    bool submitted = false;
    int run = 0;
    int reported = 0;
  };

  void report(const Job& job) {
    lab::note("reports job " + job.id + " as late");
    lab::check(lab::steady_clock::now() > job.deadline,
               "job " + job.id + " was reported as late, but it was in time");
    ++seen_.at(job.id).reported;
    if (job.id == "c") submit("c again", 1s, 60s);
  }

  // All entries exist before the worker's thread does, so that no thread changes the map itself.
  // The threads that change one entry are ordered by the worker's queue.
  std::map<std::string, Seen> seen_{{"a", {}}, {"b", {}}, {"c", {}}, {"c again", {}}, {"d", {}}};
  Worker worker_{[this](const Job& job) { report(job); }};
  lab::thread thread_{"worker", [this] { worker_.run(); }};
};

TEST(StaleDeadline, JobWhoseDeadlineIsOverIsReportedAndNotRun) {
  expect_every_schedule(
      kLesson,
      [] {
        Bench bench;
        bench.submit("a", 10s, 60s);
        bench.submit("b", 1s, 5s);
        bench.finish();
      },
      kExactTimes);
}

TEST(StaleDeadline, EveryJobIsRunInTimeOrReportedOnce) {
  expect_every_schedule(
      kLesson,
      [] {
        Bench bench;
        bench.submit("a", 10s, 60s);
        bench.submit("b", 1s, -1s);
        bench.submit("c", 1s, 5s);
        bench.submit("d", 1s, 60s);
        bench.finish();
      },
      kExactTimes);
}

}  // namespace
}  // namespace worker_pool
