#include <chrono>
#include <cstddef>
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
    "22_sum_of_limits",
    "the first stage used up the grace period, as it may. Then the next stage was given the whole "
    "grace period once more, and so on. The platform counts from the stop signal: it kills the "
    "process during the shutdown, and the last stages lose what they have.");

constexpr auto kYear = 24h * 365;

std::string text_of(Duration time) {
  if (time >= kYear) return std::to_string(time / kYear) + " years";
  if (time % 1s == 0s) return std::to_string(time / 1s) + " s";
  return std::to_string(time / 1ns) + " ns";
}

// No thread is delayed for as long as the jobs below take.
lab::Options exact_times(int max_preemptions = 0) {
  return {.max_preemptions = max_preemptions,
          .max_spurious_wakeups = 0,
          .early_timeouts = false,
          .max_schedules = 150,
          .random_schedules = 20};
}

Duration now() { return lab::steady_clock::now().time_since_epoch(); }

void submit(Stage& stage, Job job) {
  lab::check(stage.submit(std::move(job)), "a stage refused a job before its shutdown");
}

void submit_job_that_takes(Duration time, Stage& stage) {
  submit(stage, [time] { lab::this_thread::sleep_for(time); });
}

// Shuts the stages down, and checks the reports and how long it took. A report takes `report_time`.
void check_shut_down(const std::vector<Stage*>& stages, Duration grace, Duration wanted,
                     const std::vector<bool>& finished, Duration report_time = 0s) {
  const std::string call = "shut_down(" + text_of(grace) + ")";
  lab::note("calls " + call);
  const Duration called = now();
  std::size_t reports = 0;
  shut_down(stages, grace, [&](std::size_t stage, bool has_finished) {
    const std::string name = "stage " + std::to_string(stage + 1);
    lab::check(stage == reports++, call + " reported " + name + " out of order");
    lab::check(has_finished == finished[stage],
               call + " reported " + name + (has_finished ? " as finished" : " as late") +
                   " after " + text_of(now() - called) + ", but it was not");
    if (report_time > 0s) lab::this_thread::sleep_for(report_time);
    lab::check(!stages[stage]->submit([] {}), call + " reported " + name + ", but it is open");
  });
  const Duration took = now() - called;
  lab::check(reports == stages.size(), call + " reported " + std::to_string(reports) + " of " +
                                           std::to_string(stages.size()) + " stages");
  lab::check(took == wanted,
             call + " returned after " + text_of(took) + "; wanted: " + text_of(wanted));
}

TEST(SumOfLimits, OneLimitHoldsForAllStages) {
  const auto scenario = [] {
    lab::atomic<int> done = 0;
    {
      LabGate gate("job");
      Stage first;
      Stage second;
      for (Stage* stage : {&first, &second}) {
        submit(*stage, [&] { gate.wait(); });
        submit(*stage, [&] { ++done; });
      }
      check_shut_down({&first, &second}, 30s, 30s, {false, false});
      gate.open();
    }
    lab::check(done == 2, "a late stage has lost a job that it had accepted");
  };
  expect_every_schedule(kLesson, scenario, exact_times(1));
}

// A wake-up that comes when a part of the time is over does not begin the time anew, and several of
// them do not end it.
TEST(SumOfLimits, AWakeUpDoesNotChangeTheLimit) {
  const auto scenario = [] {
    LabGate gate("job");
    Stage stage;
    submit_job_that_takes(10s, stage);
    submit(stage, [&] { gate.wait(); });
    check_shut_down({&stage}, 30s, 30s, {false});
    gate.open();
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0,
                         .max_spurious_wakeups = 4,
                         .early_timeouts = false,
                         .random_schedules = 20});
}

TEST(SumOfLimits, NothingWaitsWhenAllJobsHaveFinished) {
  const auto scenario = [] {
    Stage first;
    Stage second;
    Stage third;
    for (Stage* stage : {&first, &second, &third}) submit(*stage, [] {});
    check_shut_down({&first, &second, &third}, kYear, 0s, {true, true, true});
    check_shut_down({}, 30s, 0s, {});
  };
  expect_every_schedule(kLesson, scenario, exact_times());
  const auto job_ends_as_the_wait_begins = [] {
    Stage stage;
    submit_job_that_takes(5s, stage);
    lab::this_thread::sleep_for(5s);
    check_shut_down({&stage}, kYear, 0s, {true});
  };
  expect_every_schedule(kLesson, job_ends_as_the_wait_begins, exact_times(2));
}

// A stage may take all the time that is left, and no more. Ten years are too long to poll.
TEST(SumOfLimits, AStageGetsTheTimeThatIsLeft) {
  struct Case {
    Duration first;
    Duration second;
    Duration third;
    Duration grace;
    Duration wanted;
    std::vector<bool> finished;
  };
  for (const Case& c : std::vector<Case>{
           {0s, 29s, 0s, 30s, 29s, {true, true, true}},
           {29s, 29s, 29s, 30s, 29s, {true, true, true}},
           {1s, 2s, 29s, 30s, 29s, {true, true, true}},
           {29s, 40s, 50s, 30s, 30s, {true, false, false}},
           {10s, 20s, 40s, 30s, 30s, {true, true, false}},
           {40s, 0s, 40s, 30s, 30s, {false, true, false}},
           {40s, 31s, 29s, 30s, 30s, {false, false, true}},
           {1s, 1s, 1s, 300'001ns, 300'001ns, {false, false, false}},
           {20 * kYear, 1s, 9 * kYear, 10 * kYear, 10 * kYear, {false, true, true}},
           {1s, 0s, 1s, 0s, 0s, {false, true, false}},
           {1s, 0s, 1s, -1s, 0s, {false, true, false}},
       }) {
    const auto scenario = [&] {
      Stage first;
      Stage second;
      Stage third;
      lab::this_thread::sleep_for(1h);  // the grace period begins with the call
      if (c.first > 0s) submit_job_that_takes(c.first, first);
      if (c.second > 0s) submit_job_that_takes(c.second, second);
      if (c.third > 0s) submit_job_that_takes(c.third, third);
      check_shut_down({&first, &second, &third}, c.grace, c.wanted, c.finished);
    };
    expect_every_schedule(kLesson, scenario,
                          {.max_preemptions = 0,
                           .early_timeouts = false,
                           .max_schedules = 20,
                           .random_schedules = 3});
  }
}

// Each job takes 4 s, and each report 2 s, in which the next stages work on. The last one is closed
// too late, and finishes during its report.
TEST(SumOfLimits, WhatAReportTakesCountsToo) {
  const auto scenario = [] {
    Stage first;
    Stage second;
    Stage third;
    Stage last;
    submit_job_that_takes(4s, first);
    for (int i = 0; i < 2; ++i) submit_job_that_takes(4s, second);
    for (int i = 0; i < 3; ++i) submit_job_that_takes(4s, third);
    submit_job_that_takes(14s, last);
    check_shut_down({&first, &second, &third, &last}, 11s, 15s, {true, true, false, false}, 2s);
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

// The first job submits the second one when it is destroyed.
TEST(SumOfLimits, JobsMaySubmitToTheNextStageUntilItIsClosed) {
  const auto scenario = [] {
    std::vector<int> done;
    Stage first;
    Stage second;
    Stage third;
    const auto end_of_first = [&] {
      lab::this_thread::sleep_for(3s);
      submit(second, [&] {
        lab::this_thread::sleep_for(3s);
        done.push_back(2);
        submit(third, [&] {
          lab::this_thread::sleep_for(3s);
          done.push_back(3);
        });
      });
    };
    // A string, so that libc++'s std::function is empty once it was moved from.
    submit(first, [&, end = at_the_end(end_of_first), id = std::string()] { done.push_back(1); });
    check_shut_down({&first, &second, &third}, 30s, 9s, {true, true, true});
    lab::check(done == std::vector{1, 2, 3}, "shut_down() returned, but not every job has run");
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

// The second call has a limit of its own, and finds what the first one has left.
TEST(SumOfLimits, EachCallHasItsOwnLimit) {
  const auto scenario = [] {
    Stage first;
    Stage second;
    submit_job_that_takes(50s, first);
    submit_job_that_takes(70s, second);
    const std::vector<Stage*> stages = {&first, &second};
    const auto shut_down_again = [&](Duration grace, Duration wanted, bool one, bool two) {
      const Duration called = now();
      std::vector<bool> finished;
      shut_down(stages, grace, [&](std::size_t, bool has) { finished.push_back(has); });
      lab::check(finished == std::vector{one, two}, "a second call reported other stages as late");
      lab::check(now() - called == wanted, "a second call of shut_down(" + text_of(grace) +
                                               ") returned after " + text_of(now() - called) +
                                               "; wanted: " + text_of(wanted));
    };
    shut_down_again(30s, 30s, false, false);
    shut_down_again(30s, 30s, true, false);
    shut_down_again(30s, 10s, true, true);
    shut_down_again(30s, 0s, true, true);
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

TEST(SumOfLimits, AReportMayShutDownAnotherService) {
  const auto scenario = [] {
    LabGate gate("job");
    Stage first;
    Stage second;
    Stage other;
    submit(second, [&] { gate.wait(); });
    submit_job_that_takes(10s, other);
    const Duration called = now();
    shut_down({&first, &second}, 30s, [&](std::size_t stage, bool) {
      if (stage == 0) shut_down({&other}, 50s, [](std::size_t, bool) {});
    });
    lab::check(now() - called == 30s,
               "a report called shut_down(50 s) for another service, and shut_down(30 s) returned "
               "after " +
                   text_of(now() - called));
    gate.open();
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

// While "other" sleeps, the clock may jump before main wakes up. Then the time is over for main,
// too, although the stage finished in time.
TEST(SumOfLimits, AStageThatFinishesInTimeIsNotLate) {
  const auto scenario = [] {
    Stage stage;
    submit_job_that_takes(5s, stage);
    Duration finished{};
    lab::jthread other("other", [&] {
      shut_down({&stage}, kYear, [&](std::size_t, bool) { finished = now(); });
      lab::note("shut_down(1 years) has returned after " + text_of(finished));
      lab::this_thread::sleep_for(1h);
    });
    bool in_time = false;
    shut_down({&stage}, 30s, [&](std::size_t, bool has_finished) { in_time = has_finished; });
    other.join();
    lab::check(in_time || finished >= 30s,
               "shut_down(30 s) reported the stage as late, but it had finished after " +
                   text_of(finished));
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1,
                         .max_spurious_wakeups = 0,
                         .max_schedules = 60,
                         .random_schedules = 10});
}

// While a stage is open, its jobs may submit to it again.
TEST(SumOfLimits, AStageIsClosedBeforeTheWait) {
  const auto scenario = [] {
    Stage stage;
    Job again = [&] {
      lab::this_thread::sleep_for(1s);
      if (now() < 60s) (void)stage.submit(again);
    };
    submit(stage, again);
    check_shut_down({&stage}, 30s, 1s, {true});
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

TEST(SumOfLimits, TwoThreadsMayShutDownTheSameStage) {
  const auto scenario = [] {
    LabGate gate("job");
    Stage stage;
    submit(stage, [&] { gate.wait(); });
    lab::thread other("other", [&] { check_shut_down({&stage}, 50s, 50s, {false}); });
    check_shut_down({&stage}, 30s, 30s, {false});
    other.join();
    gate.open();
  };
  lab::Options options = exact_times(1);
  options.max_schedules = 60;
  options.random_schedules = 10;
  expect_every_schedule(kLesson, scenario, options);
}

TEST(SumOfLimits, EveryThreadThatWaitsForAStageReturnsWhenItFinishes) {
  const auto scenario = [] {
    Stage stage;
    submit_job_that_takes(5s, stage);
    lab::thread other("other", [&] { check_shut_down({&stage}, 50s, 5s, {true}); });
    check_shut_down({&stage}, 30s, 5s, {true});
    other.join();
  };
  expect_every_schedule(kLesson, scenario, exact_times(0));
}

TEST(SumOfLimits, TwoServicesShutDownAtTheSameTime) {
  const auto scenario = [] {
    LabGate gate("job");
    Stage one;
    Stage other;
    for (Stage* stage : {&one, &other}) submit(*stage, [&] { gate.wait(); });
    lab::thread thread("other service", [&] { check_shut_down({&other}, 50s, 50s, {false}); });
    check_shut_down({&one}, 30s, 30s, {false});
    thread.join();
    lab::check(lab::running_threads() == 3, "shut_down() has left a thread behind");
    gate.open();
  };
  expect_every_schedule(kLesson, scenario, exact_times(0));
}

}  // namespace
}  // namespace worker_pool
