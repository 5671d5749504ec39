// One run of an exercise's test, and what it prints:
//
//   ok LostStop.WorkerEndsWhenItIsAskedTo (1234 schedules)
//   ok LostStop.JobsSubmittedBeforeAreDone (2345 schedules)
//   2 of 2 tests passed
//
// or, as the last lines of the program,
//
//   FAILED LostStop.WorkerEndsWhenItIsAskedTo (exercises/03_lost_stop/test.cc:25)
//   Schedule 18 breaks it (LAB_REPLAY=0.1.0.0.1):
//     ... the story ...
//   LESSON[03_lost_stop]: ...
//
// A run passes only if everything was decided. It fails if
//   1. a schedule breaks a scenario,
//   2. a test throws, ends the program (exits.h), or explores no scenario,
//   3. a test of the file did not run, or a call of expect_every_schedule() in it did not return,
//   4. the exercise's file has something that could replace a part of the test (source_files.h), or
//   5. LAB_REPLAY is set and its schedule breaks nothing: no other schedule was run.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace worker_pool {

class TestRun {
 public:
  struct Test {
    const char* name;
    const char* file;
    int line;
    void (*body)();
    const char* stage = nullptr;  // that begins with this test
  };

  static TestRun& current();

  void add(Test test) {
    test.stage = std::exchange(next_stage_, nullptr);
    tests_.push_back(test);
  }
  // The next test begins a stage. `name` must live as long as the program.
  void add_stage(const char* name) { next_stage_ = name; }

  // Runs the tests and prints the result. Returns false after the first failure.
  bool pass(const std::string& replay);

  // Prints the schedules of the first scenario, for docs/play (play.h).
  void print_schedules();

  // --- For expect_every_schedule() ---

  bool is_export() const { return is_export_; }
  void exported(const std::string& data);

  const std::string& replay() const { return replay_; }
  bool failed() const { return !failure_.empty(); }
  // The scenario of the call at this place has been explored. `lesson` must live as long as the
  // program.
  void explored(const char* file, int line, std::size_t schedules, const char* lesson);
  bool has_passed_a_test_of(const char* lesson) const;
  void fail(const char* file, int line, const std::string& why);

 private:
  struct Call {
    std::string file;
    int line;
  };

  void check_sources();
  void run(const Test& test);
  void check_all_decided();
  void check_all_decided(const char* file);  // what this file of the test has

  std::vector<Test> tests_;
  const char* next_stage_ = nullptr;
  std::string replay_;  // the schedule of LAB_REPLAY, or nothing
  bool is_export_ = false;
  std::string failure_;
  const char* running_ = nullptr;            // the name of the test
  std::size_t schedules_ = 0;                // of the running test
  std::vector<const char*> lessons_;         // of the running test
  std::vector<const char*> passed_lessons_;  // of the tests that have passed
  std::vector<std::string> finished_;
  std::vector<Call> explored_;
};

}  // namespace worker_pool
