// Histogram: how long things took, in a fixed amount of memory.
//
//   Histogram waits;
//   waits.add(3ms);
//   if (waits.quantile(0.99) > 1s) complain();     // about one job in a hundred waited longer
//
// A copy of every duration would be exact and grow for ever. This one counts how many fell between
// two bounds, which is as exact as the bounds are close.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "step1_job/context.h"

namespace worker_pool {

// A value, for one thread: whoever shares it guards it.
class Histogram {
 public:
  // The upper bounds of the buckets, which belong to them: 1, 2, 5, 10, 20, 50 µs and so on up to
  // 50 s. One more bucket, the last, has everything above.
  static constexpr std::array<Clock::duration, 24> kBounds = [] {
    std::array<Clock::duration, 24> bounds;
    Clock::duration decade = std::chrono::microseconds(1);
    for (std::size_t i = 0; i < bounds.size(); i += 3, decade *= 10) {
      bounds[i] = decade;
      bounds[i + 1] = 2 * decade;
      bounds[i + 2] = 5 * decade;
    }
    return bounds;
  }();
  using Buckets = std::array<std::uint64_t, kBounds.size() + 1>;

  // A million jobs that wait for three hours are more than a Clock::duration holds.
  using Seconds = std::chrono::duration<double>;

  // Less than nothing counts as nothing.
  void add(Clock::duration duration) {
    duration = std::max(duration, Clock::duration::zero());
    const auto bound = std::ranges::lower_bound(kBounds, duration);
    ++buckets_[static_cast<std::size_t>(bound - kBounds.begin())];
    ++count_;
    sum_ += duration;
    max_ = std::max(max_, duration);
  }

  const Buckets& buckets() const { return buckets_; }  // how many fell into each
  std::uint64_t count() const { return count_; }
  Seconds sum() const { return sum_; }
  Clock::duration max() const { return max_; }  // 0 when there is none

  // What at least the share `q` of all durations took at most: an upper limit for the duration that
  // has the rank ceil(q * count()) when the shortest has rank 1. The limit is the upper bound of
  // that duration's bucket, but never more than max(). 0 when there is no duration.
  // `q` below 0, or not a number, counts as 0 (the rank is 1 then), above 1 as 1.
  Clock::duration quantile(double q) const;

 private:
  Buckets buckets_{};
  std::uint64_t count_ = 0;
  Seconds sum_{};
  Clock::duration max_{};
};

inline Clock::duration Histogram::quantile(double q) const {
  constexpr double kRounding = 1e-9;  // 0.07 * 100 is a little more than 7
  // In this order: std::max() gives its first when its second is not a number.
  const double rank = std::max(1.0, std::ceil(q * static_cast<double>(count_) - kRounding));
  double seen = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    seen += static_cast<double>(buckets_[i]);
    if (seen >= rank) return std::min(kBounds[i], max_);
  }
  return max_;
}

}  // namespace worker_pool
