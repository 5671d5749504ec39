// WatchedFile: notices that a file has been saved, however the editor saves: into the same file, or
// into a new one that takes its name.
//
// It polls, with one stat() each time. The file notifications of an operating system would need
// a program that the private root hides, and do not exist for files on some mounts.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace worker_pool {

// Not thread-safe.
class WatchedFile {
 public:
  // Reads the state of the file at most once in `gap`.
  explicit WatchedFile(std::filesystem::path file,
                       std::chrono::milliseconds gap = std::chrono::milliseconds(50));

  // Returns true once for each save. Call it again and again. A save counts when two readings find
  // the same state of the file, so that no half-written file counts. An empty or missing file is
  // not a save.
  bool was_saved();

 private:
  struct State {
    dev_t device;
    ino_t number;
    std::int64_t size;
    std::int64_t seconds;
    std::int64_t nanoseconds;
    bool operator==(const State&) const = default;
  };

  std::optional<State> state() const;

  std::filesystem::path file_;
  const std::chrono::milliseconds gap_;
  std::chrono::steady_clock::time_point next_reading_{};
  std::optional<State> reported_;
  std::optional<State> last_;
};

}  // namespace worker_pool
