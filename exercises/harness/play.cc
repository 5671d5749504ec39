#include "exercises/harness/play.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "exercises/harness/exercise_files.h"
#include "exercises/harness/source_files.h"
#include "testing/lab/schedule_tree.h"

namespace worker_pool {
namespace {

using lab::json;

std::string source(const char* file, int first, const std::string& text) {
  return "{\"file\":" + json(file) + ",\"first\":" + std::to_string(first) +
         ",\"text\":" + json(text) + "}";
}

std::string exercise_source() {
  return source(kExerciseFiles.exercise, 1, read_source(kExerciseFiles.exercise).value_or(""));
}

// What stands between the lesson and the end of the test that has this line. An exercise with a
// page has one file of tests.
std::string scenario_source(int line) {
  const char* const test = kExerciseFiles.tests.front();
  const std::string text = read_source(test).value_or("");
  const std::size_t lesson = text.find("constexpr Lesson");
  if (lesson == std::string::npos) return "";
  const std::size_t begin = text.find_first_not_of('\n', text.find(");\n", lesson) + 3);
  std::size_t call = 0;
  for (int i = 1; i < line; ++i) call = text.find('\n', call) + 1;
  const std::size_t end = text.find("\n}\n", call);
  if (begin > end || end == std::string::npos) return "";
  const auto skipped = std::ranges::count(text.substr(0, begin), '\n');
  return source(test, static_cast<int>(skipped) + 1, text.substr(begin, end + 3 - begin));
}

std::string breaking(const std::string& schedule) { return "\"breaks\":" + json(schedule); }

}  // namespace

std::string play_data(const PlayScenario& scenario) {
  const lab::Result result = lab::explore(scenario.options, scenario.run);
  return "{\"code\":" + exercise_source() + ",\n\"scenario\":" + scenario_source(scenario.line) +
         ",\n" + breaking(result.schedule) + ",\n\"lesson\":" + json(scenario.lesson.explanation) +
         ",\n\"tree\":" + lab::schedule_tree(scenario.options, scenario.run) + "}";
}

std::string play_address(const PlayScenario& scenario, const std::string& schedule) {
  const std::string name = scenario.lesson.exercise;
  const std::string data = read_source("docs/play/data/" + name + ".js").value_or("");
  for (const std::string& part :
       {exercise_source(), scenario_source(scenario.line), breaking(schedule)}) {
    if (part.empty() || data.find(part) == std::string::npos) return "";
  }
  return "Step through it: docs/play/index.html#" + name + "/" + schedule + "\n";
}

}  // namespace worker_pool
