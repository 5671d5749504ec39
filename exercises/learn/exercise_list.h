// The exercises, from the table in exercises/README.md and the BUILD file of each one. Nothing else
// names them, so a new exercise needs no change here. The table has the order of the lessons:
// //tools/check_documents compares the two.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace worker_pool {

struct Exercise {
  std::string name;            // its folder: 03_lost_stop
  std::string step;            // the link in the column "After step": 2. Worker
  std::string bug;             // from the column "The bug"
  std::filesystem::path file;  // the file to fix, relative to the clone
  std::string target() const { return "//exercises/" + name + ":test"; }
  std::filesystem::path folder() const { return std::filesystem::path("exercises") / name; }
};

// Returns the exercises of the clone: by step, and within a step in the order of the table. Throws
// std::runtime_error if there are none, or if one names no file to fix.
std::vector<Exercise> read_exercises(const std::filesystem::path& clone);

// Returns the index of the one exercise that `text` means: its number ("7", "07"), or the beginning
// of its name, with or without the number. The error is one line.
std::expected<std::size_t, std::string> find_exercise(const std::vector<Exercise>& exercises,
                                                      std::string_view text);

}  // namespace worker_pool
