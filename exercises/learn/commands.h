// The commands of ./learn that need no keys. Each prints to standard output and returns the exit
// status of the program. The clone is the current folder.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "exercises/learn/exercise_list.h"
#include "exercises/learn/progress.h"

namespace worker_pool {

std::string_view help_text();

int list(const std::vector<Exercise>& exercises, const Progress& progress);

// For ./learn without a terminal: prints where the learner is and what to run instead.
int show_state(const std::vector<Exercise>& exercises, const Progress& progress,
               std::size_t current);

// Runs the tests of these exercises once, and prints a line for each. Returns 0 if all are green, 1
// if one is not, and 128 + N if signal N ends it. Blocks until then.
int verify(const std::vector<Exercise>& exercises, Progress& progress);

}  // namespace worker_pool
