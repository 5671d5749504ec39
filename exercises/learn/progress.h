// Progress: which exercises are solved, and where the learner stopped. Kept in the file .learn of
// the clone, which git ignores:
//
//   at 03_lost_stop
//   green 01_unbounded_queue 11400714819323198485
//
// An exercise is solved if its test was green for the current content of its file: the number is a
// hash of that content.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exercises/learn/exercise_list.h"

namespace worker_pool {

// Returns nothing if the file cannot be read or is empty.
std::optional<std::string> content_hash(const std::filesystem::path& file);

// Not thread-safe. Two programs may use the same clone: each keeps what it finds in the file. If
// both write at once, the entry of one may be missing until that program writes again.
class Progress {
 public:
  explicit Progress(std::filesystem::path clone);

  bool is_solved(const Exercise& exercise) const;
  std::size_t count_solved(const std::vector<Exercise>& exercises) const;

  // Returns the exercise to continue with: from `start` on, and then from the beginning, the first
  // one that is not solved. Nothing if all are solved.
  std::optional<std::size_t> next_unsolved(const std::vector<Exercise>& exercises,
                                           std::size_t start) const;

  // The exercise where the learner stopped, or 0.
  std::size_t position(const std::vector<Exercise>& exercises) const;

  // These return false if the file cannot be written.
  bool record_green(const Exercise& exercise, const std::string& hash);
  bool record_position(const Exercise& exercise);

 private:
  void load();
  bool save() const;

  const std::filesystem::path clone_;
  const std::filesystem::path state_;
  std::string position_;
  std::map<std::string, std::string> green_;  // the hash, by the exercise's name
};

}  // namespace worker_pool
