#include "exercises/learn/exercise_list.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "exercises/learn/text.h"

namespace worker_pool {
namespace {

namespace fs = std::filesystem;

std::string_view trimmed(std::string_view cell) {
  const auto first = cell.find_first_not_of(' ');
  if (first == cell.npos) return "";
  return cell.substr(first, cell.find_last_not_of(' ') + 1 - first);
}

// "| a | b |" has the cells "a" and "b".
std::vector<std::string_view> cells_of(std::string_view row) {
  std::vector<std::string_view> cells;
  while (row.starts_with('|') && row.size() > 1) {
    row.remove_prefix(1);
    cells.push_back(trimmed(row.substr(0, row.find('|'))));
    row.remove_prefix(std::min(row.find('|'), row.size()));
  }
  return cells;
}

// The text of a cell that may be a link, "[text](target)".
std::string_view text_of(std::string_view cell) {
  return cell.starts_with('[') ? cell.substr(1, cell.find("](") - 1) : cell;
}

// The row of an exercise begins with a link to its page.
std::optional<Exercise> exercise_in(std::string_view row) {
  const std::vector<std::string_view> cells = cells_of(row);
  if (cells.size() < 3) return std::nullopt;
  const std::string name(text_of(cells[0]));
  if (name.size() < 4 || cells[0] != "[" + name + "](" + name + "/README.md)") return std::nullopt;
  return Exercise{.name = name,
                  .step = std::string(text_of(cells[1])),
                  .bug = std::string(cells[2]),
                  .file = {}};
}

// Each BUILD file has a line `file = "worker.h",`.
fs::path file_to_fix(const fs::path& clone, const Exercise& exercise) {
  static constexpr std::string_view kFile = " file = \"";
  const fs::path build = exercise.folder() / "BUILD";
  const std::string text = read_text(clone / build);
  const auto begin = text.find(kFile);
  if (begin == std::string::npos)
    throw std::runtime_error(build.generic_string() + " names no `file = \"...\"` to fix");
  const std::string_view name = std::string_view(text).substr(begin + kFile.size());
  return exercise.folder() / name.substr(0, name.find('"'));
}

bool is_number(std::string_view text) { return text.find_first_not_of("0123456789") == text.npos; }

// "1" is 01, although 10 begins with it.
bool means(std::string_view text, std::string_view name) {
  const std::string_view number = name.substr(0, 2);
  if (is_number(text)) return text == number || "0" + std::string(text) == number;
  return name.starts_with(text) || name.substr(3).starts_with(text);
}

}  // namespace

std::vector<Exercise> read_exercises(const fs::path& clone) {
  std::vector<Exercise> exercises;
  for (const std::string& row : split_lines(read_text(clone / "exercises/README.md"))) {
    std::optional<Exercise> exercise = exercise_in(row);
    if (!exercise) continue;
    exercise->file = file_to_fix(clone, *exercise);
    exercises.push_back(*std::move(exercise));
  }
  if (exercises.empty()) throw std::runtime_error("exercises/README.md has no table of exercises");
  std::ranges::stable_sort(exercises, {}, &Exercise::step);
  return exercises;
}

std::expected<std::size_t, std::string> find_exercise(const std::vector<Exercise>& exercises,
                                                      std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  if (text.starts_with("exercises/")) text.remove_prefix(std::string_view("exercises/").size());
  const std::string quoted = "\"" + std::string(text) + "\"";
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < exercises.size() && !text.empty(); ++i) {
    if (means(text, exercises[i].name)) found.push_back(i);
  }
  if (found.empty()) {
    return std::unexpected("no exercise is named " + quoted +
                           "; allowed are list, verify, help, and a number or the beginning of a "
                           "name, such as " +
                           exercises.front().name.substr(0, 2) + " or " + exercises.front().name);
  }
  if (found.size() == 1) return found.front();
  std::string names;
  for (const std::size_t i : found) names += (names.empty() ? "" : ", ") + exercises[i].name;
  return std::unexpected(quoted + " means more than one exercise: " + names);
}

}  // namespace worker_pool
