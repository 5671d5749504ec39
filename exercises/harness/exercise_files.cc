#include "exercises/harness/exercise_files.h"

namespace worker_pool {
namespace {

constexpr const char* kTests[] = {TEST_FILES};

}  // namespace

// exits.cc reads it before any object of the program is constructed.
constinit const ExerciseFiles kExerciseFiles = {.tests = kTests, .exercise = EXERCISE_FILE};

}  // namespace worker_pool
