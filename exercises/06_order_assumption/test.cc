#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "06_order_assumption",
    "the jobs finished in a different order than they started, and the results were stored in the "
    "order of finishing. A caller that reads them by position mistakes one result for another. No "
    "job failed and no result is missing: the answer is just wrong.");

// Not kWorkers, which the code under test may change.
constexpr std::size_t kWantedWorkers = 2;

const std::vector<std::string> kInputs = {"long job", "brief job", "other job"};

// Nothing in a result says which input it belongs to, and sorting does not put them in order.
const std::vector<std::string> kResults = {"blue", "red", "green"};

std::string describe(const std::string& result) {
  const auto at = std::ranges::find(kResults, result);
  if (at == kResults.end()) return result.empty() ? "empty" : "\"" + result + "\"";
  return "the result of the " + kInputs[static_cast<std::size_t>(at - kResults.begin())];
}

// Records the jobs of one call of run_all() with kInputs, and checks them.
class Jobs {
 public:
  // Each job calls this. Returns its result.
  std::string start(const std::string& input) {
    const auto at = std::ranges::find(kInputs, input);
    lab::check(at != kInputs.end(), "a job got an input that was not passed to run_all()");
    const auto i = static_cast<std::size_t>(at - kInputs.begin());
    lab::check(++calls_[i] == 1, "the " + input + " ran twice; wanted: once");
    threads_[i] = std::this_thread::get_id();
    lab::check(lab::running_threads() <= 1 + kWantedWorkers,
               "there are more than " + std::to_string(kWantedWorkers) + " workers");
    return kResults[i];
  }

  // Call it on the thread that called run_all(), with what run_all() returned.
  void check(const std::vector<std::string>& results) const {
    lab::check(results.size() == kInputs.size(), "there are " + std::to_string(results.size()) +
                                                     " results for " +
                                                     std::to_string(kInputs.size()) + " inputs");
    for (std::size_t i = 0; i < kInputs.size(); ++i) {
      lab::check(results[i] == kResults[i], "results[" + std::to_string(i) + "] is " +
                                                describe(results[i]) +
                                                "; wanted: " + describe(kResults[i]));
    }
    const std::set<std::thread::id> threads(threads_.begin(), threads_.end());
    lab::check(!threads.contains(std::this_thread::get_id()),
               "the caller of run_all() ran a job itself; that is the work of a worker");
    lab::check(threads.size() <= kWantedWorkers,
               "the jobs ran on " + std::to_string(threads.size()) +
                   " different threads; wanted: " + std::to_string(kWantedWorkers) + " workers");
  }

 private:
  // One entry for each input, which only the job of that input changes.
  std::array<lab::atomic<int>, 3> calls_{};
  std::array<std::thread::id, 3> threads_{};
};

TEST(OrderAssumption, ResultsAreInTheOrderOfTheInputsWhateverTheJobsTake) {
  const auto scenario = [] {
    LabGate other_is_done("other job has run");
    Jobs jobs;
    jobs.check(run_all(kInputs, [&](const std::string& input) {
      lab::note("starts the " + input);
      const std::string result = jobs.start(input);
      if (input == "other job") other_is_done.open();
      if (input == "long job") {
        other_is_done.wait();
        lab::note("finishes the long job");
      }
      return result;
    }));
  };
  // A channel of jobs and one of results are right too, and need many steps.
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1});
}

TEST(OrderAssumption, ResultsAreInTheOrderOfTheInputsWhenAllJobsTakeTheSame) {
  const auto scenario = [] {
    Jobs jobs;
    jobs.check(run_all(kInputs, [&](const std::string& input) {
      lab::note("works on the " + input);
      return jobs.start(input);
    }));
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 100});
}

// Only the jobs take time here, so the times are exact. The rest is simple: without preemptions.
const lab::Options kExactTimes{
    .max_preemptions = 0, .early_timeouts = false, .random_schedules = 20};

std::string in_ms(lab::steady_clock::duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) +
         " ms";
}

// While one worker runs the long job, the other one runs all the rest.
void check_next_is_taken_at_once(std::size_t count, std::size_t long_job) {
  std::vector<std::string> inputs;
  for (std::size_t i = 0; i < count; ++i) inputs.push_back(std::to_string(i));
  const std::chrono::seconds long_time(count - 1);
  std::vector<lab::steady_clock::time_point> started(count);
  const auto began = lab::steady_clock::now();
  std::uintptr_t first = 0;  // of many brief jobs, which one worker runs: where it is on its stack
  const auto results = run_all(inputs, [&](const std::string& input) {
    const bool is_long = input == inputs[long_job];
    const auto takes = is_long ? long_time : std::chrono::seconds(1);
    if (count >= 1'000 && !is_long) {
      if (first == 0) first = stack_position();
      lab::check(first < stack_position() + 4096,
                 "with each job the stack gets longer, until it overflows");
    }
    lab::note("job " + input + " takes " + std::to_string(takes.count()) + " s");
    started.at(std::stoul(input)) = lab::steady_clock::now();
    lab::this_thread::sleep_for(takes);
    return input;
  });
  const auto took = lab::steady_clock::now() - began;
  lab::check(took == long_time, "two workers took " + in_ms(took) + " for a job of " +
                                    in_ms(long_time) + " and " + std::to_string(count - 1) +
                                    " jobs of 1 s; wanted: " + in_ms(long_time) +
                                    ", as a worker that finishes a job takes the next at once");
  lab::check(std::ranges::is_sorted(started),
             "a job started before a job with an earlier input did");
  lab::check(results == inputs, "the results are not in the order of the inputs");
}

TEST(OrderAssumption, AWorkerTakesTheNextJobAtOnce) {
  for (const std::size_t long_job : {0UZ, 1UZ}) {
    const auto scenario = [&] { check_next_is_taken_at_once(8, long_job); };
    expect_every_schedule(kLesson, scenario, kExactTimes);
  }
  const auto many = [] { check_next_is_taken_at_once(1'000, 0); };
  expect_every_schedule(kLesson, many,
                        {.max_preemptions = 0,
                         .max_spurious_wakeups = 0,
                         .early_timeouts = false,
                         .max_steps = 50'000,
                         .random_schedules = 0});
}

TEST(OrderAssumption, EqualInputsHaveTheirOwnResults) {
  const auto scenario = [] {
    lab::atomic<int> calls = 0;
    lab::note("two inputs are equal: \"same\"");
    const std::vector<std::string> results =
        run_all({"same", "other", "same"}, [&](const std::string& input) {
          if (input == "other") return std::string("the result of \"other\"");
          return "result " + std::to_string(++calls) + " of \"same\"";
        });
    const std::string got =
        "results = {" + results.at(0) + ", " + results.at(1) + ", " + results.at(2) + "}";
    lab::note("gets " + got);
    lab::check(calls == 2, "the work for \"same\" ran " + std::to_string(calls) +
                               " time(s); wanted: twice, once for each input");
    lab::check(results[1] == "the result of \"other\"", "results[1] is " + results[1]);
    lab::check(std::set(results.begin(), results.end()) ==
                   std::set<std::string>{"the result of \"other\"", "result 1 of \"same\"",
                                         "result 2 of \"same\""},
               "the two inputs \"same\" do not have a result each");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// Without preemptions, a worker starts the job that it has taken before another worker runs. But
// any worker may be the first to run.
TEST(OrderAssumption, JobsStartInTheOrderOfTheInputs) {
  const auto scenario = [] {
    const std::vector<std::string> inputs = {"0", "1", "2", "3"};
    lab::atomic<int> started = 0;
    (void)run_all(inputs, [&](const std::string& input) {
      const std::string next = std::to_string(started++);
      lab::note("job " + input + " starts");
      lab::check(input == next, "job " + input + " started before job " + next + " did");
      lab::this_thread::sleep_for(std::chrono::seconds(1));
      return input;
    });
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .early_timeouts = false, .random_schedules = 0});
}

// The first call takes longer. As above, it is for the first input.
TEST(OrderAssumption, EqualInputsHaveTheirResultsInOrder) {
  const auto scenario = [] {
    lab::atomic<int> calls = 0;
    lab::note("two inputs are equal: \"same\"");
    const std::vector<std::string> results = run_all({"same", "same"}, [&](const std::string&) {
      const int call = ++calls;
      lab::this_thread::sleep_for(std::chrono::seconds(3 - call));
      lab::note("has result " + std::to_string(call));
      return std::to_string(call);
    });
    lab::check(results == std::vector<std::string>{"1", "2"},
               "the results are " + results.at(0) + ", " + results.at(1) + "; wanted: 1, 2");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .early_timeouts = false, .random_schedules = 0});
}

TEST(OrderAssumption, AWorkerRunsTheOnlyJob) {
  const auto scenario = [] {
    for (const std::string only : {"only", ""}) {
      lab::note("the only input and its result are \"" + only + "\"");
      const auto caller = std::this_thread::get_id();
      lab::atomic<int> calls = 0;
      const std::vector<std::string> results = run_all({only}, [&](const std::string& input) {
        lab::check(std::this_thread::get_id() != caller,
                   "the caller of run_all() ran a job itself; that is the work of a worker");
        ++calls;
        return input;
      });
      lab::check(calls == 1, "the work for the only input ran " + std::to_string(calls) +
                                 " times; wanted: once");
      lab::check(results == std::vector{only}, "the result of the only job is missing");
    }
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(OrderAssumption, NoInputsGiveNoResults) {
  const auto scenario = [] {
    const std::vector<std::string> results = run_all({}, [](const std::string&) {
      lab::check(false, "a job ran without an input");
      return std::string();
    });
    lab::check(results.empty(), "there is a result without an input");
  };
  // Two preemptions: a worker may be about to wait when it is notified that there is no input.
  expect_every_schedule(kLesson, scenario, {.random_schedules = 0});
}

TEST(OrderAssumption, TwoCallsAtTheSameTimeDoNotDisturbEachOther) {
  const auto scenario = [] {
    LabGate a_is_done("caller a's second job has run");
    LabGate b_is_done("caller b's second job has run");
    const auto call = [](const std::string& caller, LabGate& own, LabGate& other) {
      const std::vector<std::string> results =
          run_all({"first", "second"}, [&](const std::string& input) {
            lab::note("works on the " + input + " input of " + caller);
            if (input == "second") own.open();
            if (input == "first") other.wait();
            return caller + "'s " + input;
          });
      lab::check(results == std::vector{caller + "'s first", caller + "'s second"},
                 caller + " got the results of another call");
    };
    lab::thread a("caller a", [&] { call("caller a", a_is_done, b_is_done); });
    lab::thread b("caller b", [&] { call("caller b", b_is_done, a_is_done); });
    a.join();
    b.join();
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_schedules = 40, .random_schedules = 20});
}

}  // namespace
}  // namespace worker_pool
