// What ./learn shows, as lines of text. Nothing here prints.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "exercises/learn/exercise_list.h"
#include "exercises/learn/progress.h"
#include "exercises/learn/verdict.h"

namespace worker_pool {

enum class Color { kGreen, kRed, kBold };

// Returns the text, in the color if `colored`.
std::string paint(std::string_view text, Color color, bool colored);

// One or more lines: "3 of 15 solved", and for each step a bar with one character per exercise.
std::vector<std::string> progress_lines(const std::vector<Exercise>& exercises,
                                        const Progress& progress, std::size_t columns);

// Every exercise with its state, by step. `next` is the index of the next one, or exercises.size().
std::vector<std::string> board_lines(const std::vector<Exercise>& exercises,
                                     const Progress& progress, std::size_t next,
                                     std::size_t columns);

// The lines of a verdict, without the lesson.
std::vector<std::string> verdict_lines(const Verdict& verdict, bool colored);

// The lesson, wrapped, or nothing.
std::vector<std::string> lesson_lines(const Verdict& verdict, std::size_t columns);

// How many rows the lines take on a screen that wraps.
std::size_t rows_of(const std::vector<std::string>& lines, std::size_t columns);

// Leaves out lines until the rest takes at most `rows`, and says so. Of a story, the head and the
// end are kept, of anything else the beginning.
std::vector<std::string> fit(std::vector<std::string> lines, Outcome outcome, std::size_t rows,
                             std::size_t columns);

}  // namespace worker_pool
