#include "exercises/harness/exercise_files.h"

namespace worker_pool {

const ExerciseFiles kExerciseFiles = {.test = TEST_FILE, .exercise = EXERCISE_FILE};

}  // namespace worker_pool
