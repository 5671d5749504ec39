// Runs an exercise's test program N times (default: once) and requires the same verdict each time:
//
//   verdict red 03_lost_stop starter PROGRAM [--runs=N]
//
//   green  every run passes, and says so: "2 of 2 tests passed"
//   red    every run fails with status 1, prints the same lines, nothing on standard error, and the
//          exercise's own LESSON line last. The whole output of the starter fits on a screen of 24
//          rows of 80 columns; a wrong fix may have a longer story.
//
// Prints, for example, "VERDICT 03_lost_stop starter red 200/200" and exits with status 0.
// Otherwise prints what is wrong and the output of that run, and exits with status 1.
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "testing/run_program.h"

namespace worker_pool {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kRows = 24;

struct Task {
  bool red = false;
  std::string exercise{};  // its folder, for example "03_lost_stop"
  std::string variant{};   // "starter", "solution", or the name of a wrong fix
  std::string program{};
  int runs = 1;
};

std::optional<Task> parse(const std::vector<std::string>& args) {
  if (args.size() < 4 || (args[0] != "red" && args[0] != "green")) return std::nullopt;
  Task task{.red = args[0] == "red", .exercise = args[1], .variant = args[2], .program = args[3]};
  for (std::size_t i = 4; i < args.size(); ++i) {
    constexpr std::string_view kRuns = "--runs=";
    if (!args[i].starts_with(kRuns)) return std::nullopt;
    task.runs = std::atoi(args[i].substr(kRuns.size()).c_str());
  }
  if (task.runs < 1) return std::nullopt;
  return task;
}

// How many rows of the screen the line fills.
std::size_t rows_of(const std::string& line) {
  return line.empty() ? 1 : (line.size() + kColumns - 1) / kColumns;
}

// Returns what is wrong with this run of a program that must fail, or an empty string.
std::string wrong_with_red(const Task& task, const ProgramResult& run) {
  if (run.status == 0) return "it passed";
  if (run.status != 1) return "it crashed: exit status " + std::to_string(run.status);
  if (!run.err.empty()) return "it wrote to standard error";
  const std::vector<std::string> lines = lines_of(run.out);
  const std::string lesson = "LESSON[" + task.exercise + "]: ";
  if (lines.empty() || !lines.back().starts_with(lesson)) {
    return "its last line does not begin with " + lesson;
  }
  // The screen shows the last rows, so tests that passed before do not matter.
  auto failure = std::ranges::find_if(
      lines, [](const std::string& line) { return line.starts_with("FAILED "); });
  std::size_t rows = 0;
  for (; failure != lines.end(); ++failure) rows += rows_of(*failure);
  const bool fits = rows <= kRows || task.variant != "starter";
  if (rows > 0 && fits) return "";
  return "its failure fills " + std::to_string(rows) + " rows; 1 to " + std::to_string(kRows) +
         " are allowed";
}

std::string wrong_with(const Task& task, const ProgramResult& run) {
  if (task.red) return wrong_with_red(task, run);
  if (run.status != 0) return "it failed: exit status " + std::to_string(run.status);
  const bool says_passed = std::ranges::any_of(
      lines_of(run.out), [](const std::string& line) { return line.ends_with(" tests passed"); });
  return says_passed ? "" : "it ended before all tests were decided";
}

int judge(const Task& task) {
  const std::string command = "./" + task.program;
  std::string first;
  for (int i = 1; i <= task.runs; ++i) {
    const ProgramResult run = run_program(command);
    std::string wrong = wrong_with(task, run);
    if (i == 1) first = run.out;
    if (wrong.empty() && run.out != first)
      wrong = "its output differs from that of the first run:\n" + first;
    if (wrong.empty()) continue;
    std::cerr << "Run " << i << " of " << task.program << " must be "
              << (task.red ? "red" : "green") << ", but " << wrong << "\nIts output was:\n"
              << run.out << run.err << "\n";
    return EXIT_FAILURE;
  }
  std::cout << "VERDICT " << task.exercise << " " << task.variant << " "
            << (task.red ? "red" : "green") << " " << task.runs << "/" << task.runs << "\n";
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace worker_pool

int main(int argc, char** argv) {
  const auto task = worker_pool::parse({argv + 1, argv + argc});
  if (!task) {
    std::cerr << "usage: verdict red|green EXERCISE VARIANT PROGRAM [--runs=N], N at least 1\n";
    return 2;
  }
  return worker_pool::judge(*task);
}
