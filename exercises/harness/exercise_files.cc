// Compiled once for each exercise, with the names of its files (exercise.bzl).
#include "exercises/harness/source_files.h"

namespace worker_pool {

const SourceFiles kSourceFiles = {.test = TEST_FILE, .exercise = EXERCISE_FILE};

}  // namespace worker_pool
