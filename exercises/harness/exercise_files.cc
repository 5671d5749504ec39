#include "exercises/harness/exercise_files.h"

namespace worker_pool {
namespace {

constexpr const char* kTests[] = {TEST_FILES};

}  // namespace

const ExerciseFiles kExerciseFiles = {.tests = kTests, .exercise = EXERCISE_FILE};

}  // namespace worker_pool
