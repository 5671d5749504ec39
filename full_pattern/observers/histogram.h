// Histogram: the distribution of durations, in a fixed amount of memory.
//
//   Histogram waits;
//   waits.add(3ms);
//   std::cout << waits.quantile(0.99);             // about one job in a hundred waited longer
//
// Keeping every duration would be exact, but would need ever more memory. A histogram counts the
// durations between two bounds, so its error is at most the distance between these bounds; above
// 50 s, which is the last one, it is not bounded. It covers all durations since the start, so after
// a month it hardly moves. For an alert, subtract an earlier copy's buckets, as Prometheus does.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "step1_job/context.h"

namespace worker_pool {

// A value type. Not thread-safe: threads that share one must lock.
class Histogram {
 public:
  // The inclusive upper bounds of the buckets: 1, 2, 5, 10, 20, 50 µs and so on up to 50 s. One
  // more bucket, the last, counts everything above.
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

  // A Clock::duration could not hold the sum of a million waits of three hours.
  using Seconds = std::chrono::duration<double>;

  // A negative duration counts as 0.
  void add(Clock::duration duration) {
    duration = std::max(duration, Clock::duration::zero());
    const auto bound = std::ranges::lower_bound(kBounds, duration);
    ++buckets_[static_cast<std::size_t>(bound - kBounds.begin())];
    ++count_;
    sum_ += duration;
    max_ = std::max(max_, duration);
  }

  const Buckets& buckets() const { return buckets_; }  // the count of each bucket
  std::uint64_t count() const { return count_; }
  Seconds sum() const { return sum_; }
  Clock::duration max() const { return max_; }  // 0 if there is no duration

  // Returns an upper limit for the duration of rank ceil(q * count()), where the shortest has
  // rank 1. So at least the share `q` of all durations are not longer. The limit is the upper bound
  // of that duration's bucket, but at most max(), and 0 if there is no duration. A `q` above 1
  // counts as 1, a negative one or NaN as 0, which means rank 1.
  Clock::duration quantile(double q) const;

 private:
  Buckets buckets_{};
  std::uint64_t count_ = 0;
  Seconds sum_{};
  Clock::duration max_{};
};

inline Clock::duration Histogram::quantile(double q) const {
  constexpr double kRounding = 1e-9;  // 0.07 * 100 is a little more than 7
  // In this order, because std::max(a, b) returns a if b is NaN.
  const double rank = std::max(1.0, std::ceil(q * static_cast<double>(count_) - kRounding));
  double seen = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    seen += static_cast<double>(buckets_[i]);
    if (seen >= rank) return std::min(kBounds[i], max_);
  }
  return max_;
}

}  // namespace worker_pool
