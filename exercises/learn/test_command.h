// The command that runs the test of an exercise.
#pragma once

#include <string>
#include <vector>

#include "exercises/learn/exercise_list.h"

namespace worker_pool {

// Run in the clone. Its output is for verdict_of().
std::vector<std::string> test_command(const Exercise& exercise);

// Compiles the tests of all these exercises side by side, so that the tests then only run. Nothing
// else depends on its success.
std::vector<std::string> build_command(const std::vector<Exercise>& exercises);

}  // namespace worker_pool
