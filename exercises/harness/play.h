// What docs/play shows of an exercise: the schedules of its first scenario.
#pragma once

#include <functional>
#include <string>

#include "exercises/harness/lesson.h"
#include "testing/lab/explorer.h"

namespace worker_pool {

// The call of expect_every_schedule() that the page shows.
struct PlayScenario {
  const Lesson& lesson;
  const std::function<void()> run;
  const lab::Options& options;
  int line;  // of the call, in the test's file
};

// Returns, as JSON, the exercise's file, the part of its test up to the end of the scenario, the
// schedule that the test prints, if one breaks it, and the tree of schedules (schedule_tree.h).
std::string play_data(const PlayScenario& scenario);

// Returns the line that names the page where this failure can be stepped through, with a line
// break. Empty unless the page shows exactly this file, this scenario and this schedule: so not
// after the exercise's file was edited.
std::string play_address(const PlayScenario& scenario, const std::string& schedule);

}  // namespace worker_pool
