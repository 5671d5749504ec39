#include "full_pattern/retry/retry_policy.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>

#include "step1_job/context.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

TEST(RetryBackoff, DoublesUpToTheLongest) {
  const RetryPolicy policy = {.backoff = 100ms, .longest = 1s};
  EXPECT_EQ(backoff_before(policy, 1), 0ms) << "the first try waits for nothing";
  EXPECT_EQ(backoff_before(policy, 2), 100ms);
  EXPECT_EQ(backoff_before(policy, 3), 200ms);
  EXPECT_EQ(backoff_before(policy, 4), 400ms);
  EXPECT_EQ(backoff_before(policy, 5), 800ms);
  EXPECT_EQ(backoff_before(policy, 6), 1s);
  EXPECT_EQ(backoff_before(policy, 7), 1s);
}

TEST(RetryBackoff, NeverOverflows) {
  constexpr int kMany = 2'000'000'000;
  EXPECT_EQ(backoff_before({.backoff = 1ms, .longest = kForever}, kMany), kForever);
  EXPECT_EQ(backoff_before({.backoff = kForever, .longest = kForever}, kMany), kForever);
  EXPECT_EQ(backoff_before({.backoff = kForever - 1ns, .longest = kForever}, 3), kForever);
  EXPECT_EQ(backoff_before({}, -1), 0ms);
}

TEST(RetryWait, IsBetweenNothingAndTheBackoffByDefault) {
  const RetryPolicy policy = {.backoff = 100ms, .longest = 1s};
  EXPECT_EQ(wait_before(policy, 2, 0), 0ms) << "the shortest";
  EXPECT_EQ(wait_before(policy, 2, 0.25), 25ms);
  EXPECT_EQ(wait_before(policy, 2, 1), 100ms) << "the longest";
  EXPECT_EQ(wait_before(policy, 3, 0.25), 50ms) << "twice as long before the third try";
  EXPECT_EQ(wait_before(policy, 9, 0.25), 250ms) << "a part of `longest`";
  EXPECT_EQ(wait_before(policy, 1, 1), 0ms) << "the first try waits for nothing";
}

TEST(RetryWait, HalfOfItIsRandomWithEqualJitter) {
  const RetryPolicy policy = {.backoff = 100ms, .longest = 1s, .jitter = 0.5};
  EXPECT_EQ(wait_before(policy, 2, 0), 50ms) << "the shortest";
  EXPECT_EQ(wait_before(policy, 2, 0.5), 75ms);
  EXPECT_EQ(wait_before(policy, 2, 1), 100ms) << "the longest";
}

TEST(RetryWait, IsTheBackoffWithoutJitter) {
  const RetryPolicy policy = {.backoff = 100ms, .longest = 1s, .jitter = 0};
  for (const double random : {0.0, 0.3, 1.0}) EXPECT_EQ(wait_before(policy, 3, random), 200ms);
}

TEST(RetryWait, NeverOverflows) {
  for (const Clock::duration longest : {kForever - 1ns, kForever - 512ns, kForever / 2}) {
    const RetryPolicy policy = {.backoff = longest, .longest = longest};
    EXPECT_EQ(wait_before(policy, 2, 0), 0ns);
    EXPECT_EQ(wait_before(policy, 2, 1), longest);
    for (const double random : {1e-300, 1e-17, 0.5, 1 - 1e-16}) {
      EXPECT_GE(wait_before(policy, 2, random), 0ns) << random;
      EXPECT_LE(wait_before(policy, 2, random), longest) << random;
    }
  }
  const RetryPolicy never = {.backoff = kForever, .longest = kForever};
  EXPECT_EQ(wait_before(never, 2, 0), kForever) << "forever has no part";
}

TEST(RetryWait, RandomNumbersAreFromZeroToLessThanOne) {
  const RandomSource random = uniform_random();
  for (int i = 0; i < 10'000; ++i) {
    const double number = random();
    ASSERT_GE(number, 0);
    ASSERT_LT(number, 1);
  }
}

// The probability that a fair source fails this is less than 1 to 10^50.
TEST(RetryWait, RandomNumbersAreEachAsLikelyAsTheOthers) {
  const RandomSource random = uniform_random();
  std::array<int, 10> tenths{};
  for (int i = 0; i < 10'000; ++i) ++tenths[static_cast<std::size_t>(random() * 10)];
  for (std::size_t i = 0; i < tenths.size(); ++i) {
    EXPECT_GT(tenths[i], 500) << "from " << i << "/10";
    EXPECT_LT(tenths[i], 1500) << "from " << i << "/10";
  }
}

// A seed has 32 bits. The probability that eight are the same is 1 to 2^224.
TEST(RetryWait, RandomNumbersDifferFromSourceToSource) {
  std::set<double> first_numbers;
  for (int i = 0; i < 8; ++i) first_numbers.insert(uniform_random()());
  EXPECT_GT(first_numbers.size(), 1u) << "every process waits alike";
}

TEST(RetryPolicy, DefaultsAreWhatTheHeaderSays) {
  const RetryPolicy policy;
  EXPECT_EQ(policy.tries, 3);
  EXPECT_EQ(policy.backoff, 100ms);
  EXPECT_EQ(policy.longest, 10s);
  EXPECT_EQ(policy.capacity, 1000u);
  EXPECT_EQ(policy.jitter, 1.0);
}

TEST(RetryPolicy, BadOnesAreRefusedWithWhatIsWrongAndWhatIsAllowed) {
  const auto why_not = [](RetryPolicy policy) -> std::string {
    try {
      checked(policy);
      return "nothing is wrong";
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
  };
  EXPECT_EQ(why_not({.tries = 0}), "RetryPolicy: tries is 0, it must be at least 1");
  EXPECT_EQ(why_not({.tries = -1}), "RetryPolicy: tries is -1, it must be at least 1");
  EXPECT_EQ(why_not({.backoff = 1ms - 1ns}),
            "RetryPolicy: backoff is 999999 ns, it must be at least 1 ms");
  EXPECT_EQ(why_not({.backoff = 1s, .longest = 1s - 1ns}),
            "RetryPolicy: longest is less than backoff, it must be at least backoff");
  EXPECT_EQ(why_not({.capacity = 0}), "RetryPolicy: capacity is 0, it must be at least 1");
  EXPECT_EQ(why_not({.jitter = -0.5}), "RetryPolicy: jitter is -0.500000, it must be from 0 to 1");
  EXPECT_EQ(why_not({.jitter = 1.5}), "RetryPolicy: jitter is 1.500000, it must be from 0 to 1");
  EXPECT_NE(why_not({.jitter = std::numeric_limits<double>::quiet_NaN()}), "nothing is wrong");
  for (const double jitter : {0.0, 1.0}) {
    EXPECT_EQ(
        why_not({.tries = 1, .backoff = 1ms, .longest = 1ms, .capacity = 1, .jitter = jitter}),
        "nothing is wrong");
  }
}

}  // namespace
}  // namespace worker_pool
