#include "full_pattern/observers/histogram.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <limits>
#include <numeric>

#include "step1_job/context.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

// The durations 1 ms, 2 ms, ... `count` ms.
Histogram milliseconds_up_to(int count) {
  Histogram histogram;
  for (int i = 1; i <= count; ++i) histogram.add(i * 1ms);
  return histogram;
}

std::size_t bucket_of(Clock::duration duration) {
  Histogram histogram;
  histogram.add(duration);
  std::size_t i = 0;
  while (histogram.buckets()[i] == 0) ++i;
  return i;
}

TEST(Histogram, BoundsAreOneTwoFivePerDecadeFromAMicrosecondToFiftySeconds) {
  EXPECT_EQ(Histogram::kBounds[0], 1us);
  EXPECT_EQ(Histogram::kBounds[1], 2us);
  EXPECT_EQ(Histogram::kBounds[2], 5us);
  for (std::size_t i = 3; i < Histogram::kBounds.size(); ++i) {
    EXPECT_EQ(Histogram::kBounds[i], 10 * Histogram::kBounds[i - 3]) << i;
  }
  EXPECT_EQ(Histogram::kBounds.back(), 50s);
}

TEST(Histogram, BoundBelongsToTheBucketBelowIt) {
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    EXPECT_EQ(bucket_of(Histogram::kBounds[i]), i);
    EXPECT_EQ(bucket_of(Histogram::kBounds[i] + 1ns), i + 1);
  }
  EXPECT_EQ(bucket_of(0ns), 0u);
  EXPECT_EQ(bucket_of(Clock::duration::max()), Histogram::kBounds.size());
}

TEST(Histogram, LessThanNothingCountsAsNothing) {
  Histogram histogram;
  histogram.add(-1s);
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.buckets()[0], 1u);
  EXPECT_EQ(histogram.sum(), 0s);
  EXPECT_EQ(histogram.max(), 0s);
}

TEST(Histogram, KnowsCountSumAndMaximum) {
  const Histogram histogram = milliseconds_up_to(100);
  EXPECT_EQ(histogram.count(), 100u);
  EXPECT_NEAR(histogram.sum().count(), 5.05, 1e-9);
  EXPECT_EQ(histogram.max(), 100ms);
  const auto& buckets = histogram.buckets();
  EXPECT_EQ(std::accumulate(buckets.begin(), buckets.end(), 0u), 100u)
      << "each duration is in exactly one bucket";
}

TEST(Histogram, SumOfCenturiesDoesNotOverflow) {
  Histogram histogram;
  histogram.add(Clock::duration::max());
  histogram.add(Clock::duration::max());
  EXPECT_GT(histogram.sum(), Histogram::Seconds(Clock::duration::max()));
}

TEST(Histogram, QuantileIsTheUpperBoundOfTheBucketWithThatRank) {
  const Histogram histogram = milliseconds_up_to(100);
  EXPECT_EQ(histogram.quantile(0.01), 1ms) << "rank 1";
  EXPECT_EQ(histogram.quantile(0.02), 2ms) << "rank 2";
  EXPECT_EQ(histogram.quantile(0.03), 5ms) << "rank 3, which took 3 ms";
  EXPECT_EQ(histogram.quantile(0.05), 5ms) << "rank 5";
  EXPECT_EQ(histogram.quantile(0.051), 10ms) << "rank 5.1 is rounded up";
  EXPECT_EQ(histogram.quantile(0.5), 50ms);
  EXPECT_EQ(histogram.quantile(0.99), 100ms);
}

TEST(Histogram, QuantileIsNeverMoreThanTheMaximum) {
  const Histogram histogram = milliseconds_up_to(60);
  EXPECT_EQ(histogram.quantile(0.5), 50ms);
  EXPECT_EQ(histogram.quantile(0.9), 60ms) << "and not 100 ms, the bound of its bucket";
}

TEST(Histogram, QuantileAboveTheLastBoundIsTheMaximum) {
  Histogram histogram;
  histogram.add(1min);
  histogram.add(1h);
  EXPECT_EQ(histogram.quantile(0.5), 1h);
  EXPECT_EQ(histogram.quantile(1), 1h);
}

// In floating point, 0.07 * 100 is 7.000000000000001, and the next rank is in the next bucket.
TEST(Histogram, QuantileIsNotMisledByRounding) {
  Histogram histogram;
  for (int i = 0; i < 7; ++i) histogram.add(1ms);
  for (int i = 0; i < 93; ++i) histogram.add(1s);
  EXPECT_EQ(histogram.quantile(0.07), 1ms);
  EXPECT_EQ(histogram.quantile(0.071), 1s);
}

TEST(Histogram, QuantileOutsideOfZeroToOneIsTheNearestInside) {
  const Histogram histogram = milliseconds_up_to(100);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double q : {0.0, -0.5, -kInfinity, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(histogram.quantile(q), 1ms) << q;
  }
  for (const double q : {1.0, 1.5, kInfinity}) EXPECT_EQ(histogram.quantile(q), 100ms) << q;
}

TEST(Histogram, EmptyOneIsAllZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.sum(), 0s);
  EXPECT_EQ(histogram.max(), 0s);
  for (const double q : {0.0, 0.5, 1.0}) EXPECT_EQ(histogram.quantile(q), 0s) << q;
}

}  // namespace
}  // namespace worker_pool
