#include "exercises/learn/verdict.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exercises/learn/text.h"

namespace worker_pool {
namespace {

using Lines = std::vector<std::string>;

constexpr int kPassed = 0;  // exit statuses of Bazel
constexpr int kBuildFailed = 1;
constexpr int kTestFailed = 3;

// What the test itself printed: Bazel puts it between two lines.
Lines test_output(const Lines& all) {
  const auto is_begin = [](const std::string& line) {
    return line.starts_with("==================== Test output for ");
  };
  const auto begin = std::ranges::find_if(all, is_begin);
  if (begin == all.end()) return {};
  const auto end = std::find(begin, all.end(), std::string(80, '='));
  return {begin + 1, end};
}

bool is_from_bazel(const std::string& line) {
  static constexpr std::array<std::string_view, 18> kBeginnings = {
      "INFO: ",    "ERROR: ",    "WARNING: ", "DEBUG: ",   "FAIL: ",    "FAILED: ",
      "TIMEOUT: ", "Use --",     "//",        "Executed ", "Target //", "Loading:",
      "Computing", "Analyzing:", "Starting ", "....",      "(cd ",      "  exec "};
  return line.empty() || std::ranges::any_of(kBeginnings, [&](std::string_view beginning) {
           return line.starts_with(beginning);
         });
}

// Of the compiler, with its file and line, or of the linker.
bool is_error(std::string_view line) {
  if (line.starts_with(' ')) return false;  // source text below an error
  return line.contains(": error: ") || line.contains(": fatal error: ") ||
         line.contains("undefined reference to ") || line.contains("multiple definition of ");
}

// Bazel compiles with -I., so a header is ./exercises/...
std::string without_dot(std::string line) {
  if (line.starts_with("./")) return line.substr(2);
  const auto from = line.find("from ./");
  if (from != std::string::npos) line.erase(from + 5, 2);
  return line;
}

// The compiler's lines from the first error on. Lines above it, such as "In file included from",
// would only push it down.
Lines compiler_lines(const Lines& all) {
  Lines found;
  for (const std::string& line : all) {
    if (found.empty() && !is_error(line)) continue;
    if (!is_from_bazel(line)) found.push_back(without_dot(line));
  }
  return found;
}

Lines without_info(const Lines& all) {
  Lines kept;
  std::ranges::copy_if(all, std::back_inserter(kept), [](const std::string& line) {
    return !line.empty() && !line.starts_with("INFO: ");
  });
  return kept;
}

// Splits the label "LESSON[03_lost_stop]: " off. Returns false for another line.
bool read_lesson(const std::string& line, std::string& lesson) {
  if (!line.starts_with("LESSON[")) return false;
  const auto end = line.find("]: ");
  lesson = end == std::string::npos ? line : line.substr(end + 3);
  return true;
}

Verdict failed_test(const Lines& all) {
  Verdict verdict{.outcome = Outcome::kRed};
  const Lines output = test_output(all);
  const auto failed = std::ranges::find_if(
      output, [](const std::string& line) { return line.starts_with("FAILED "); });
  // A test that crashes or hangs prints something else.
  for (auto it = failed == output.end() ? output.begin() : failed; it != output.end(); ++it) {
    if (!read_lesson(*it, verdict.lesson)) verdict.lines.push_back(*it);
  }
  if (std::ranges::any_of(all, [](const auto& line) { return line.starts_with("TIMEOUT: "); }))
    verdict.lines.emplace_back("The test did not finish within its time limit.");
  if (verdict.lines.empty()) verdict.lines.emplace_back("The test ended without a message.");
  return verdict;
}

// "2 of 2 tests passed", which a test prints once everything is decided.
bool says_that_all_passed(const std::string& line) {
  const std::string count = line.substr(0, line.find(' '));
  return !count.empty() && line == count + " of " + count + " tests passed";
}

// A program that ends too early may have the status of success.
Verdict passed_test(const Lines& all) {
  Verdict verdict{.outcome = Outcome::kGreen};
  std::ranges::copy_if(
      test_output(all), std::back_inserter(verdict.lines), [](const std::string& line) {
        return !line.starts_with("ok ") && !line.starts_with("STAGE ") && !line.empty();
      });
  if (std::ranges::none_of(verdict.lines, says_that_all_passed)) {
    verdict.outcome = Outcome::kRed;
    verdict.lines.emplace_back("The program ended before all tests were decided.");
  }
  return verdict;
}

Verdict verdict_without_stage(int status, const Lines& all) {
  if (status == kTestFailed) return failed_test(all);
  if (status == kPassed) return passed_test(all);
  if (status == kBuildFailed) {
    Lines errors = compiler_lines(all);
    if (!errors.empty()) return {.outcome = Outcome::kCompileError, .lines = std::move(errors)};
  }
  Verdict none{.outcome = Outcome::kNone, .lines = without_info(all)};
  none.lines.push_back("Bazel ended with status " + std::to_string(status) + ".");
  return none;
}

}  // namespace

Verdict verdict_of(int status, std::string_view output) {
  const Lines all = split_lines(output);
  Verdict verdict = verdict_without_stage(status, all);
  for (const std::string& line : test_output(all)) {
    if (line.starts_with("STAGE ")) verdict.stage = line.substr(std::string_view("STAGE ").size());
  }
  return verdict;
}

}  // namespace worker_pool
