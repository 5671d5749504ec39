// The two source files of an exercise, relative to the folder in which Bazel runs its test.
#pragma once

namespace worker_pool {

struct ExerciseFiles {
  const char* test;
  const char* exercise;
};

// exercise_files.cc defines it. It is compiled for each exercise, with names from exercise.bzl.
extern const ExerciseFiles kExerciseFiles;

}  // namespace worker_pool
