// The include of every exercise's test: runs scenarios under the explorer, and ends a failure with
// a lesson.
//
//   constexpr Lesson kLesson("03_lost_stop", "the worker checked stop before it was set, ...");
//
//   TEST(LostStop, WorkerEndsWhenItIsAskedTo) {
//     expect_every_schedule(kLesson, [] {
//       Worker worker;
//       lab::thread thread("worker", [&] { worker.run(); });
//       worker.stop();
//       thread.join();
//     });
//   }
//
// TEST has the form of GoogleTest's, but GoogleTest takes longer to compile than everything else
// here. test_run.h explains what makes a test fail.
#pragma once

#include "exercises/harness/lab_gate.h"
#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"

namespace worker_pool {

struct Lesson {
  // `name` is the exercise's folder. `text` is one line: what happened, in the order it happened,
  // and what it costs.
  constexpr Lesson(const char* name, const char* text) : exercise(name), explanation(text) {}

  const char* exercise;
  const char* explanation;
};

// Refers to a scenario, which must outlive it. Compiles faster than std::function.
class Scenario {
 public:
  template <class F>
  explicit(false) Scenario(const F& scenario)
      : scenario_(&scenario), run_([](const void* it) { (*static_cast<const F*>(it))(); }) {}

  void operator()() const { run_(scenario_); }

 private:
  const void* scenario_;
  void (*run_)(const void*);
};

// Runs the scenario under every schedule that lab::explore() tries: those within the limits of
// `options` (by default at most two preemptions and one spurious wake-up), then seeded random ones.
// If a schedule breaks the scenario, the test fails with the story of that schedule, followed by
// the lesson. If the environment variable LAB_REPLAY names a schedule, runs only that one.
void expect_every_schedule(const Lesson& lesson, Scenario scenario,
                           const lab::Options& options = {}, const char* file = __builtin_FILE(),
                           int line = __builtin_LINE());

// What TEST declares. Tests run in the order of the file, until one fails.
class LessonTest {
 public:
  LessonTest(const char* name, const char* file, int line, void (*body)());
};

// For an exercise in several stages: the tests after it, up to the next one, are a stage. Before
// the first of them runs, the line "STAGE name" is printed, so the last such line in the output
// names the stage to work on. One that was green is run again each time.
//
//   const LessonStage kChannel("1 of 4: the channel");
class LessonStage {
 public:
  explicit LessonStage(const char* name);
};

}  // namespace worker_pool

#define TEST(Suite, Name)                                                                  \
  static void Suite##_##Name();                                                            \
  static const ::worker_pool::LessonTest Suite##_##Name##_test(#Suite "." #Name, __FILE__, \
                                                               __LINE__, Suite##_##Name);  \
  static void Suite##_##Name()
