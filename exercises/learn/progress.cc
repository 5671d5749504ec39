#include "exercises/learn/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "exercises/learn/text.h"

namespace worker_pool {

namespace fs = std::filesystem;

// FNV-1a: it only has to notice an edit.
std::optional<std::string> content_hash(const fs::path& file) {
  const std::string text = read_text(file);
  if (text.empty()) return std::nullopt;
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return std::to_string(hash);
}

Progress::Progress(fs::path clone) : clone_(std::move(clone)), state_(clone_ / ".learn") { load(); }

bool Progress::is_solved(const Exercise& exercise) const {
  const auto green = green_.find(exercise.name);
  return green != green_.end() && content_hash(clone_ / exercise.file) == green->second;
}

std::size_t Progress::count_solved(const std::vector<Exercise>& exercises) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(exercises, [this](const Exercise& it) { return is_solved(it); }));
}

std::optional<std::size_t> Progress::next_unsolved(const std::vector<Exercise>& exercises,
                                                   std::size_t start) const {
  for (std::size_t i = 0; i < exercises.size(); ++i) {
    const std::size_t candidate = (start + i) % exercises.size();
    if (!is_solved(exercises[candidate])) return candidate;
  }
  return std::nullopt;
}

std::size_t Progress::position(const std::vector<Exercise>& exercises) const {
  const auto found = std::ranges::find(exercises, position_, &Exercise::name);
  return found == exercises.end() ? 0 : static_cast<std::size_t>(found - exercises.begin());
}

bool Progress::record_green(const Exercise& exercise, const std::string& hash) {
  load();
  green_[exercise.name] = hash;
  return save();
}

bool Progress::record_position(const Exercise& exercise) {
  load();
  position_ = exercise.name;
  return save();
}

// Keeps what cannot be read: a clone that cannot be written has its progress in memory.
void Progress::load() {
  for (const std::string& line : split_lines(read_text(state_))) {
    std::istringstream words(line);
    std::string kind;
    std::string name;
    std::string hash;
    words >> kind >> name >> hash;
    if (kind == "at") position_ = name;
    if (kind == "green") green_[name] = hash;
  }
}

// In one step, so that no reader sees half of the file.
bool Progress::save() const {
  const fs::path next = state_.string() + "." + std::to_string(getpid());
  bool is_written = false;
  {
    std::ofstream file(next);
    file << "at " << position_ << "\n";
    for (const auto& [name, hash] : green_) file << "green " << name << " " << hash << "\n";
    file.close();
    is_written = !file.fail();
  }
  std::error_code error;
  if (is_written) fs::rename(next, state_, error);
  if (is_written && !error) return true;
  fs::remove(next, error);
  return false;
}

}  // namespace worker_pool
