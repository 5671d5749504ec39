#include "consumer/in_hand.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "step1_job/context.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using std::chrono::milliseconds;
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

// The second delivery is not lost: its caller still has it, and the first one stays in hand.
TEST(JobsInHand, RefusesASecondDeliveryOfAJobAndLeavesItToTheCaller) {
  JobsInHand in_hand;
  EXPECT_TRUE(in_hand.add({.delivery = {.id = "a", .number = 1}, .attempts = {}}));
  JobInHand second = {.delivery = {.id = "a", .number = 2}, .attempts = {.starts = 3}};
  EXPECT_FALSE(in_hand.add(std::move(second)));
  EXPECT_EQ(second.delivery.id, "a");
  EXPECT_EQ(second.attempts.starts, 3);
  EXPECT_EQ(in_hand.size(), 1u);
  const auto taken = in_hand.take("a");
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->delivery.number, 1u);
}

// Another consumer may have the job, with a record of its own.
TEST(JobsInHand, ReturnsTheAttemptsOfAJobOnlyBeforeItsLimit) {
  JobsInHand in_hand;
  in_hand.add({.delivery = {.id = "a", .number = 2}, .attempts = {.starts = 3}});
  const auto attempts = in_hand.start("a");
  ASSERT_TRUE(attempts);
  EXPECT_EQ(attempts->starts, 3);
  in_hand.end_limits();
  EXPECT_FALSE(in_hand.start("a"));
}

TEST(JobsInHand, DoesNotWaitForAJobWhoseLimitHasPassed) {
  JobsInHand in_hand;
  in_hand.add({.delivery = {.id = "a"}, .attempts = {}});
  in_hand.add({.delivery = {.id = "b"}, .attempts = {}, .extend_until = Clock::now()});
  in_hand.set_limit("a", Clock::now() + milliseconds(20));
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for the limits to pass");
  in_hand.wait_for_size(0, {});
  EXPECT_EQ(in_hand.size(), 2u);
}

}  // namespace
}  // namespace worker_pool
