#include "exercises/learn/watched_file.h"

#include <sys/stat.h>

#include <chrono>
#include <utility>

namespace worker_pool {

WatchedFile::WatchedFile(std::filesystem::path file, std::chrono::milliseconds gap)
    : file_(std::move(file)), gap_(gap), reported_(state()), last_(reported_) {}

bool WatchedFile::was_saved() {
  const auto time = std::chrono::steady_clock::now();
  if (time < next_reading_) return false;
  next_reading_ = time + gap_;
  const std::optional<State> now = state();
  const bool is_stable = now == std::exchange(last_, now);
  if (!is_stable || !now || now->size == 0 || now == reported_) return false;
  reported_ = now;
  return true;
}

std::optional<WatchedFile::State> WatchedFile::state() const {
  struct stat found = {};
  if (stat(file_.c_str(), &found) != 0) return std::nullopt;
#if defined(__APPLE__)
  const timespec& changed = found.st_mtimespec;
#else
  const timespec& changed = found.st_mtim;
#endif
  return State{.device = found.st_dev,
               .number = found.st_ino,
               .size = found.st_size,
               .seconds = changed.tv_sec,
               .nanoseconds = changed.tv_nsec};
}

}  // namespace worker_pool
