#include "consumer/in_hand.h"

#include <gtest/gtest.h>

#include <chrono>

#include "step1_job/context.h"

namespace worker_pool {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST(TimeInHand, IsTheTimeoutAndTheCancelLimit) {
  EXPECT_EQ(time_in_hand(minutes(5), seconds(1)), seconds(301));
}

TEST(TimeInHand, HasNoEndIfOneOfThemHasNone) {
  EXPECT_EQ(time_in_hand(minutes(5), kForever), kForever);
  EXPECT_EQ(time_in_hand(kForever, seconds(1)), kForever);
  EXPECT_EQ(time_in_hand(kForever, kForever), kForever);
}

TEST(TimeInHand, IsNotShortenedByANegativeLimit) {
  EXPECT_EQ(time_in_hand(minutes(5), Clock::duration::min()), minutes(5));
  EXPECT_EQ(time_in_hand(Clock::duration::min(), seconds(1)), seconds(1));
}

}  // namespace
}  // namespace worker_pool
