// Sender::send_for(): how long it waits, what it returns, and that other senders are not affected.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "step1_job/context.h"
#include "step2_worker/channel.h"
#include "step2_worker/channel_testing.h"
#include "step2_worker/channel_under_test.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::Optional;
using ::testing::Pointee;

using namespace std::chrono_literals;

TEST_P(Channel, ATimedSendTimesOutNotEarlyAndKeepsTheValue) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for send_for(20 ms) on a full channel to time out");
  auto [jobs, queue] = make<std::unique_ptr<int>>();
  fill(jobs, capacity());

  auto value = std::make_unique<int>(2);
  const Clock::time_point start = Clock::now();
  EXPECT_EQ(jobs.send_for(std::move(value), 20ms), SendStatus::kFull);
  EXPECT_GE(Clock::now() - start, 20ms) << "timed out early";
  EXPECT_THAT(value, Pointee(2)) << "send_for() moved from a value that it refused";
  EXPECT_EQ(numbers(take_queued(queue)), numbers(1, capacity()));
}

TEST_P(Channel, ATimedSendSucceedsWhenRoomAppearsMeanwhile) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  std::jthread sender = watchdog.thread("sender: send_for(1 h) on a full channel", [&] {
    EXPECT_EQ(jobs.send_for(capacity() + 1, 1h), SendStatus::kSent);
  });
  await_blocked_senders(watchdog, jobs, 1);
  EXPECT_THAT(queue.try_receive(), Optional(1));
  sender.join();
  EXPECT_EQ(take_queued(queue), numbers(2, capacity() + 1));
}

TEST_P(Channel, ATimedSendSaysClosedWhenTheChannelIsClosedMeanwhile) {
  Watchdog watchdog;
  auto [jobs, queue] = make<std::unique_ptr<int>>();
  fill(jobs, capacity());
  std::jthread sender = watchdog.thread("sender: send_for(1 h) on a full channel", [&] {
    auto value = std::make_unique<int>(2);
    EXPECT_EQ(jobs.send_for(std::move(value), 1h), SendStatus::kClosed);
    EXPECT_THAT(value, Pointee(2)) << "send_for() moved from a value that it refused";
  });
  await_blocked_senders(watchdog, jobs, 1);
  jobs.close();
  sender.join();
  EXPECT_EQ(numbers(drain(watchdog, queue)), numbers(1, capacity()));
}

// With room in the channel, no timeout is too short.
TEST_P(Channel, AnyTimeoutIsEnoughWhenThereIsRoom) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity() - 1);
  int received = 0;
  for (const Clock::duration timeout :
       {Clock::duration::zero(), Clock::duration(-1s), Clock::duration::min(), Clock::duration(1s),
        Clock::duration::max()}) {
    EXPECT_EQ(jobs.send_for(capacity() + received, timeout), SendStatus::kSent)
        << timeout.count() << " ticks";
    EXPECT_THAT(queue.try_receive(), Optional(++received)) << timeout.count() << " ticks";
  }
}

// The watchdog reports a call that waits.
TEST_P(Channel, ZeroAndNegativeTimeoutsDoNotWait) {
  Watchdog watchdog;
  auto [jobs, queue] = make<std::unique_ptr<int>>();
  fill(jobs, capacity());
  for (const Clock::duration timeout : {Clock::duration::zero(), Clock::duration(-1ns),
                                        Clock::duration(-1h), Clock::duration::min()}) {
    const auto note =
        watchdog.waiting("test: for send_for() with " + std::to_string(timeout.count()) + " ticks");
    auto value = std::make_unique<int>(2);
    EXPECT_EQ(jobs.send_for(std::move(value), timeout), SendStatus::kFull)
        << timeout.count() << " ticks";
    EXPECT_THAT(value, Pointee(2)) << timeout.count() << " ticks";
  }
}

// now + max() overflows, in practice to a time in the past: a plain sum would time out at once.
TEST_P(Channel, TheLongestTimeoutsWaitForRoom) {
  Watchdog watchdog;
  for (const Clock::duration timeout :
       {Clock::duration::max(), Clock::duration::max() - 1ns, Clock::duration::max() / 2}) {
    auto [jobs, queue] = make<int>();
    fill(jobs, capacity());
    std::jthread sender = watchdog.thread("sender: send_for(longest) on a full channel", [&] {
      EXPECT_EQ(jobs.send_for(capacity() + 1, timeout), SendStatus::kSent)
          << timeout.count() << " ticks";
    });
    await_blocked_senders(watchdog, jobs, 1);
    EXPECT_THAT(queue.try_receive(), Optional(1));
    sender.join();
    EXPECT_EQ(take_queued(queue), numbers(2, capacity() + 1));
  }
}

TEST_P(Channel, ATimedSendThatTimesOutDoesNotAffectOtherSenders) {
  Watchdog watchdog;
  const auto note =
      watchdog.waiting("test: for send_for(1 ms) to time out, or for the other sender");
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  std::jthread other = watchdog.thread("sender: send() on a full channel", [&] {
    EXPECT_EQ(jobs.send(capacity() + 1), SendStatus::kSent);
  });
  await_blocked_senders(watchdog, jobs, 1);
  EXPECT_EQ(jobs.send_for(0, 1ms), SendStatus::kFull);
  EXPECT_EQ(jobs.stats().blocked_senders, 1u) << "the timeout ended the wait of the other sender";

  EXPECT_THAT(queue.try_receive(), Optional(1));
  other.join();
  EXPECT_EQ(take_queued(queue), numbers(2, capacity() + 1));
}

}  // namespace
}  // namespace worker_pool
