#include "exercises/harness/test_run.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>

#include "exercises/harness/exercise_files.h"
#include "exercises/harness/exits.h"
#include "exercises/harness/source_files.h"
#include "testing/lab/engine/hooks.h"

namespace worker_pool {
namespace {

// At once, because the program may end in the next test. A story may have a null character.
void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

// A compiler puts "./" before the path of an included file.
std::string without_dot(const std::string& path) {
  return path.starts_with("./") ? path.substr(2) : path;
}

}  // namespace

TestRun& TestRun::current() {
  static TestRun run;
  return run;
}

bool TestRun::pass(const std::string& replay) {
  replay_ = replay;
  check_sources();
  for (const Test& test : tests_) {
    if (!failed()) run(test);
  }
  if (!failed()) check_all_decided();
  if (failed()) {
    print("FAILED " + failure_);
    return false;
  }
  print(std::to_string(finished_.size()) + " of " + std::to_string(tests_.size()) +
        " tests passed");
  if (!lab::has_hooks()) {
    print(
        "Not checked here: data races, leaks, and memory that is used after it was freed. The lab "
        "has no hooks for this compiler or system.");
  }
  allow_successful_exit();
  return true;
}

void TestRun::print_schedules() {
  is_export_ = true;
  tests_.front().body();
}

void TestRun::exported(const std::string& data) {
  print(data);
  failure_ = "Only the schedules were printed.";  // the test's other scenarios do not run
}

void TestRun::check_sources() { failure_ = refusal_of(kExerciseFiles.exercise); }

void TestRun::run(const Test& test) {
  if (test.stage != nullptr) print(std::string("STAGE ") + test.stage);
  forbid_successful_exit(test.name);
  running_ = test.name;
  schedules_ = 0;
  lessons_.clear();
  try {
    test.body();
    if (schedules_ == 0) fail(test.file, test.line, "It explored no scenario.");
  } catch (const std::exception& e) {
    fail(test.file, test.line, std::string("It threw an exception: ") + e.what());
  } catch (...) {
    fail(test.file, test.line, "It threw an exception that is not a std::exception.");
  }
  running_ = nullptr;
  finished_.push_back(test.name);
  if (failed() || !replay_.empty()) return;
  passed_lessons_.insert(passed_lessons_.end(), lessons_.begin(), lessons_.end());
  print("ok " + finished_.back() + " (" + std::to_string(schedules_) +
        (schedules_ == 1 ? " schedule)" : " schedules)"));
}

void TestRun::check_all_decided() {
  forbid_successful_exit("after the last test");
  for (const char* const file : kExerciseFiles.tests) check_all_decided(file);
  if (replay_.empty() || failed()) return;
  fail(tests_[0].file, tests_[0].line,
       "The schedule LAB_REPLAY=" + replay_ +
           " no longer breaks it.\n"
           "No other schedule was run, so nothing else is decided: run the test without "
           "LAB_REPLAY.");
}

void TestRun::check_all_decided(const char* file) {
  const auto text = read_source(file);
  if (!text) return fail(file, 1, "The test cannot read this file.");
  const TestPlan plan = plan_of(*text);
  for (const Place& test : plan.tests) {
    if (std::ranges::find(finished_, test.name) != finished_.end()) continue;
    return fail(file, test.first_line, test.name + " did not run to its end.");
  }
  for (const Place& call : plan.calls) {
    const bool is_decided = std::ranges::any_of(explored_, [&](const Call& it) {
      return it.file == file && call.first_line <= it.line && it.line <= call.last_line;
    });
    if (is_decided) continue;
    return fail(file, call.first_line, "This scenario was not explored.");
  }
  if (plan.tests.empty()) fail(file, 1, "This file has no TEST.");
}

void TestRun::explored(const char* file, int line, std::size_t schedules, const char* lesson) {
  explored_.push_back({without_dot(file), line});
  schedules_ += schedules;
  lessons_.push_back(lesson);
}

bool TestRun::has_passed_a_test_of(const char* lesson) const {
  return std::ranges::find(passed_lessons_, lesson) != passed_lessons_.end();
}

void TestRun::fail(const char* file, int line, const std::string& why) {
  if (failed()) return;  // the first failure says more
  const std::string place = without_dot(file) + ":" + std::to_string(line);
  failure_ =
      (running_ == nullptr ? place : std::string(running_) + " (" + place + ")") + "\n" + why;
}

}  // namespace worker_pool
