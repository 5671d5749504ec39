#include "full_pattern/retry/retry_policy.h"

#include <gtest/gtest.h>

#include <chrono>
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

TEST(RetryPolicy, DefaultsAreWhatTheHeaderSays) {
  const RetryPolicy policy;
  EXPECT_EQ(policy.tries, 3);
  EXPECT_EQ(policy.backoff, 100ms);
  EXPECT_EQ(policy.longest, 10s);
  EXPECT_EQ(policy.capacity, 1000u);
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
  EXPECT_EQ(why_not({.tries = 1, .backoff = 1ms, .longest = 1ms, .capacity = 1}),
            "nothing is wrong");
}

}  // namespace
}  // namespace worker_pool
