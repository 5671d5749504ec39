#include "exercises/learn/screen.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

#include "exercises/learn/text.h"

namespace worker_pool {
namespace {

using Lines = std::vector<std::string>;

std::string cut(std::string line, std::size_t columns) {
  if (line.size() <= columns || columns < 4) return line;
  std::size_t end = columns - 3;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;  // UTF-8
  return line.substr(0, end) + "...";
}

std::size_t width_of(std::string_view line) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b') {
      i = std::min(line.find('m', i), line.size());
    } else if ((static_cast<unsigned char>(line[i]) & 0xC0) != 0x80) {
      ++width;
    }
  }
  return width;
}

std::size_t rows_of(const std::string& line, std::size_t columns) {
  return std::max<std::size_t>(1, (width_of(line) + columns - 1) / columns);
}

std::string solved_of(const std::vector<Exercise>& exercises, const Progress& progress) {
  return std::to_string(progress.count_solved(exercises)) + " of " +
         std::to_string(exercises.size()) + " solved";
}

// "2. Worker ##--": one mark for each exercise of the step.
std::string bar(const std::vector<Exercise>& exercises, const Progress& progress,
                std::string_view step) {
  std::string marks;
  for (const Exercise& exercise : exercises) {
    if (exercise.step == step) marks += progress.is_solved(exercise) ? '#' : '-';
  }
  std::ranges::sort(marks);  // '#' is before '-'
  return std::string(step) + " " + marks;
}

Lines steps_of(const std::vector<Exercise>& exercises) {
  Lines steps;
  for (const Exercise& exercise : exercises) {
    if (steps.empty() || steps.back() != exercise.step) steps.push_back(exercise.step);
  }
  return steps;
}

// The lines RED, FAILED and Schedule, and the titles of the columns, if the story has columns.
std::size_t head_of_story(const Lines& lines) {
  if (lines.size() > 4 && lines[4].starts_with("  ---")) return 5;
  return std::min<std::size_t>(3, lines.size());
}

}  // namespace

std::string paint(std::string_view text, Color color, bool colored) {
  if (!colored) return std::string(text);
  const char* const code = color == Color::kGreen ? "32;1" : color == Color::kRed ? "31;1" : "1";
  return std::string("\x1b[") + code + "m" + std::string(text) + "\x1b[0m";
}

Lines progress_lines(const std::vector<Exercise>& exercises, const Progress& progress,
                     std::size_t columns) {
  Lines lines = {solved_of(exercises, progress)};
  for (const std::string& step : steps_of(exercises)) {
    const std::string next = bar(exercises, progress, step);
    if (lines.back().size() + 3 + next.size() <= columns) {
      lines.back() += "   " + next;
    } else {
      lines.push_back(next);
    }
  }
  return lines;
}

Lines board_lines(const std::vector<Exercise>& exercises, const Progress& progress,
                  std::size_t next, std::size_t columns) {
  std::size_t longest = 0;
  for (const Exercise& exercise : exercises) longest = std::max(longest, exercise.name.size());
  Lines lines = {solved_of(exercises, progress)};
  for (const std::string& step : steps_of(exercises)) {
    lines.push_back(bar(exercises, progress, step));
    for (std::size_t i = 0; i < exercises.size(); ++i) {
      const Exercise& exercise = exercises[i];
      if (exercise.step != step) continue;
      const char* const state = progress.is_solved(exercise) ? "solved"
                                : i == next                  ? "next"
                                                             : "unsolved";
      lines.push_back(cut(
          "  " + padded(state, 10) + padded(exercise.name, longest + 2) + exercise.bug, columns));
    }
  }
  return lines;
}

Lines verdict_lines(const Verdict& verdict, bool colored) {
  Lines lines;
  switch (verdict.outcome) {
    case Outcome::kGreen:
      lines.push_back(paint("GREEN", Color::kGreen, colored));
      break;
    case Outcome::kRed:
      lines.push_back(paint("RED", Color::kRed, colored));
      break;
    case Outcome::kCompileError:
      lines.push_back(paint("DOES NOT COMPILE", Color::kRed, colored));
      break;
    case Outcome::kNone:
      lines.push_back(paint("NO VERDICT: Bazel did not run the test", Color::kRed, colored));
      break;
  }
  if (!verdict.stage.empty()) lines.back() += " in stage: " + verdict.stage;
  lines.insert(lines.end(), verdict.lines.begin(), verdict.lines.end());
  return lines;
}

Lines lesson_lines(const Verdict& verdict, std::size_t columns) {
  if (verdict.lesson.empty()) return {};
  return wrap("LESSON: " + verdict.lesson, columns);
}

std::size_t rows_of(const Lines& lines, std::size_t columns) {
  std::size_t rows = 0;
  for (const std::string& line : lines) rows += rows_of(line, columns);
  return rows;
}

Lines fit(Lines lines, Outcome outcome, std::size_t rows, std::size_t columns) {
  if (rows_of(lines, columns) <= rows) return lines;
  const bool is_story = outcome == Outcome::kRed;
  const std::size_t head = is_story ? head_of_story(lines) : 1;
  std::size_t left_out = 0;
  while (lines.size() > head && rows_of(lines, columns) + 1 > rows) {
    lines.erase(is_story ? lines.begin() + static_cast<std::ptrdiff_t>(head) : lines.end() - 1);
    ++left_out;
  }
  const std::string note = "  ... " + std::to_string(left_out) + " more lines: press a";
  lines.insert(is_story ? lines.begin() + static_cast<std::ptrdiff_t>(head) : lines.end(), note);
  return lines;
}

}  // namespace worker_pool
