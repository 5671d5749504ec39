#include "exercises/harness/lesson.h"

#include <functional>
#include <string>

#include "exercises/harness/play.h"
#include "exercises/harness/test_run.h"

namespace worker_pool {
namespace {

constexpr const char* kOtherBug =
    "The lesson is about the starter's bug. The bug above may be a different one.\n";

}  // namespace

void expect_every_schedule(const Lesson& lesson, Scenario scenario, const lab::Options& options,
                           const char* file, int line) {
  TestRun& run = TestRun::current();
  if (run.failed()) return;
  const PlayScenario play{lesson, scenario, options, line};
  if (run.is_export()) return run.exported(play_data(play));
  const bool is_replay = !run.replay().empty();
  lab::Options all = options;
  all.must_free_memory = true;
  if (is_replay) all.replay = run.replay();
  const lab::Result result = lab::explore(all, play.run);
  run.explored(file, line, result.schedules, lesson.explanation);
  if (!result.failed) {
    // A test that sets the limit itself wants a part of the schedules only.
    const bool wants_all = options.max_schedules == lab::Options().max_schedules;
    if (!result.exhaustive && wants_all && !is_replay) {
      run.fail(file, line,
               "Not decided: there are more than " + std::to_string(options.max_schedules) +
                   " schedules. Does the code take more steps than it needs?");
    }
    return;
  }
  const bool is_other_bug =
      !is_replay && (result.leaks || run.has_passed_a_test_of(lesson.explanation));
  const std::string which =
      is_replay ? "The replayed schedule" : "Schedule " + std::to_string(result.schedules);
  run.fail(file, line,
           which + " breaks it (LAB_REPLAY=" + result.schedule + "):\n" + result.story +
               play_address(play, result.schedule) + (is_other_bug ? kOtherBug : "") + "LESSON[" +
               lesson.exercise + "]: " + lesson.explanation);
}

LessonTest::LessonTest(const char* name, const char* file, int line, void (*body)()) {
  TestRun::current().add({.name = name, .file = file, .line = line, .body = body});
}

LessonStage::LessonStage(const char* name) { TestRun::current().add_stage(name); }

}  // namespace worker_pool
