// FakeClone: a small clone of the course in a temporary folder, with a `bazelw` that plays Bazel.
//
//   FakeClone clone;
//   clone.save("01_first", "GREEN");                     // what the test says is in the file
//   run_program("cd " + clone.path() + " && ./learn list");
//
// What the file of an exercise contains decides what its test prints: GREEN; BROKEN, a compile
// error; LONG, a story of 60 lines; STAGE, a failure in a stage; BAZEL, an error of Bazel; BLOCK, a
// failure after the test has written a line into gate(); anything else, a short story.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "exercises/learn/exercise_list.h"

namespace worker_pool {

// Removes the folder in its destructor. Not thread-safe.
class FakeClone {
 public:
  FakeClone();
  FakeClone(const FakeClone&) = delete;
  FakeClone& operator=(const FakeClone&) = delete;
  ~FakeClone();

  std::string path() const { return path_.string(); }
  // A pipe. To open it blocks until both a test and its reader have opened it.
  std::string gate() const { return (path_ / "gate").string(); }

  // Writes the exercise's file: into the same file, or as many editors do, into a new one that
  // takes its name.
  void save(const std::string& exercise, const std::string& content) const;
  void replace(const std::string& exercise, const std::string& content) const;
  void write(const std::filesystem::path& file, const std::string& content) const;

  // Replaces the table of exercises. A row is the name of an exercise and the cell of its step.
  void write_table(const std::vector<std::pair<std::string, std::string>>& rows) const;

  // Writes a shell script that can be started.
  void add_program(const std::filesystem::path& file, const std::string& script) const;

  std::filesystem::path file(const std::string& exercise) const;

 private:
  void add_exercise(const std::string& name) const;

  std::filesystem::path path_;
};

}  // namespace worker_pool
