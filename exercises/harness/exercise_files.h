// The source files of an exercise, relative to the folder in which Bazel runs its test.
#pragma once

#include <span>

namespace worker_pool {

struct ExerciseFiles {
  std::span<const char* const> tests;  // the files with its TESTs
  const char* exercise;
};

// exercise_files.cc defines it. It is compiled for each exercise, with names from exercise.bzl.
extern const ExerciseFiles kExerciseFiles;

}  // namespace worker_pool
