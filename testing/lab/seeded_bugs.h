// For tests that the explorer finds a bug that was put into a scenario on purpose.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "testing/lab/explorer.h"

namespace worker_pool::lab {

// A scenario with the bug, or without it.
using Scenario = std::function<void(bool fixed)>;

struct Finding {
  int preemptions = 0;  // with fewer the bug is not found
  std::string verdict{};
  std::vector<std::string> story{};  // the decisive lines in order, perhaps with others between
};

// "  worker    goes to sleep" as "worker goes to sleep".
inline std::string without_columns(const std::string& line) {
  std::istringstream words(line);
  std::string text;
  for (std::string word; words >> word;) text += (text.empty() ? "" : " ") + word;
  return text;
}

// Returns the story with one line for each step, after the name of its thread, as in
// "main exits". In a story with columns, the first line has the names, and a step begins below the
// name of its thread.
inline std::string in_rows(const std::string& story) {
  std::istringstream lines(story);
  std::string names;
  std::getline(lines, names);
  std::string line;
  std::getline(lines, line);
  if (line.find("---") == std::string::npos) return story;
  std::string rows;
  while (std::getline(lines, line)) {
    const std::size_t start = line.find_first_not_of(' ');
    const std::size_t end = std::min(names.find("  ", start), names.size());
    const bool is_step = start < names.size() && (start == 2 || names[start - 1] == ' ');
    rows += (is_step ? names.substr(start, end - start) + " " : "") + line.substr(start) + "\n";
  }
  return rows;
}

inline void expect_lines_in_order(const std::string& story,
                                  const std::vector<std::string>& expected) {
  std::istringstream lines(in_rows(story));
  std::size_t found = 0;
  for (std::string line; std::getline(lines, line) && found < expected.size();) {
    if (without_columns(line) == expected[found]) ++found;
  }
  if (found == expected.size()) return;
  ADD_FAILURE() << "There is no line \"" << expected[found] << "\", or not in its place, in\n"
                << story;
}

// No random schedules, so that nothing depends on a seed.
inline Result search(Options limits, const Scenario& scenario, bool fixed) {
  limits.random_schedules = 0;
  return explore(limits, [&scenario, fixed] { scenario(fixed); });
}

inline void expect_found(const Finding& expected, const Scenario& scenario) {
  if (expected.preemptions > 0) {
    const Result too_few = search({.max_preemptions = expected.preemptions - 1}, scenario, false);
    EXPECT_FALSE(too_few.failed) << too_few.preemptions << " preemptions suffice:\n"
                                 << too_few.story;
  }
  const Result found = search({.max_preemptions = expected.preemptions}, scenario, false);
  EXPECT_TRUE(found.failed) << "not found";
  EXPECT_EQ(found.preemptions, expected.preemptions);
  EXPECT_EQ(found.verdict, expected.verdict);
  expect_lines_in_order(found.story, expected.story);
  const Result again = explore({.replay = found.schedule}, [&] { scenario(false); });
  EXPECT_EQ(again.story, found.story) << "replay of " << found.schedule;
}

inline void expect_fixed(const Scenario& scenario, const Options& limits = {}) {
  const Result result = search(limits, scenario, true);
  EXPECT_FALSE(result.failed) << result.story;
  EXPECT_TRUE(result.exhaustive) << "after " << result.schedules << " schedules";
}

}  // namespace worker_pool::lab
