// The system's clocks as code under test sees them.
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "testing/lab/engine/scheduler.h"

namespace worker_pool::lab {

// What the clocks show when a run begins: so late that a time some hours ago exists, too.
constexpr Time kEpoch = std::chrono::hours(24 * 365);

constexpr time_t kNever = 9'000'000'000;  // in seconds: the clock goes hardly further

inline Time to_time(const timespec& time) {
  return std::chrono::seconds(std::min(time.tv_sec, kNever)) +
         std::chrono::nanoseconds(time.tv_nsec);
}

// Returns the virtual time of a time on the system's clocks. nullopt: later than the clock goes.
inline std::optional<Time> to_virtual(const timespec* time) {
  if (time == nullptr || time->tv_sec > kNever) return std::nullopt;
  return to_time(*time) - kEpoch;
}

}  // namespace worker_pool::lab
