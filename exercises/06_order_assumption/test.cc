#include <cstddef>
#include <string>
#include <vector>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "06_order_assumption",
    "the jobs finished in a different order than they started, and the results were stored in the "
    "order of finishing. A caller that reads them by position mistakes one result for another. No "
    "job failed and no result is missing: the answer is just wrong.");

const std::vector<std::string> kInputs = {"long job", "brief job", "other job"};

std::string result_of(const std::string& input) { return "result of the " + input; }

void check_results(const std::vector<std::string>& results) {
  lab::check(results.size() == kInputs.size(), "there are " + std::to_string(results.size()) +
                                                   " results for " +
                                                   std::to_string(kInputs.size()) + " inputs");
  for (std::size_t i = 0; i < kInputs.size(); ++i) {
    lab::check(results[i] == result_of(kInputs[i]), "results[" + std::to_string(i) + "] is the " +
                                                        results[i] + "; wanted: the " +
                                                        result_of(kInputs[i]));
  }
}

TEST(OrderAssumption, ResultsAreInTheOrderOfTheInputsWhateverTheJobsTake) {
  expect_every_schedule(kLesson, [] {
    LabGate other_is_done("other job has run");
    check_results(run_all(kInputs, [&](const std::string& input) {
      lab::note("starts the " + input);
      lab::check(lab::running_threads() <= 1 + kWorkers, "there are more than kWorkers workers");
      if (input == "other job") other_is_done.open();
      if (input == "long job") {
        other_is_done.wait();
        lab::note("finishes the long job");
      }
      return result_of(input);
    }));
  });
}

TEST(OrderAssumption, ResultsAreInTheOrderOfTheInputsWhenAllJobsTakeTheSame) {
  expect_every_schedule(kLesson, [] {
    check_results(run_all(kInputs, [](const std::string& input) {
      lab::note("works on the " + input);
      return result_of(input);
    }));
  });
}

}  // namespace
}  // namespace worker_pool
