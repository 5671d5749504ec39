// Vector clocks: they say what happened before what.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace worker_pool::lab {

inline constexpr int kMaxThreads = 32;  // of one scenario

// For each thread, how much of what it has done is known here.
class VectorClock {
 public:
  std::uint32_t& operator[](int thread) { return times_[static_cast<std::size_t>(thread)]; }
  std::uint32_t operator[](int thread) const { return times_[static_cast<std::size_t>(thread)]; }

  // From now on, this clock knows what `other` knows too.
  void join(const VectorClock& other) {
    for (std::size_t i = 0; i < times_.size(); ++i) {
      times_[i] = std::max(times_[i], other.times_[i]);
    }
  }

 private:
  std::array<std::uint32_t, kMaxThreads> times_{};
};

}  // namespace worker_pool::lab
