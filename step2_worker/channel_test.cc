// The channel while it is open: order, capacity, blocking, refusing, counting, and its two ends.
// What closing does is in channel_close_test.cc, what becomes of the values in
// channel_value_test.cc, timeouts are in channel_timeout_test.cc, crowds in channel_stress_test.cc.
#include "step2_worker/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step2_worker/channel_testing.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::ThrowsMessage;
using ::testing::UnorderedElementsAre;

TEST(Channel, ValuesAreReceivedInTheOrderInWhichTheyWereSent) {
  Watchdog watchdog;
  const auto note =
      watchdog.waiting("test: for one of its sends or receives, none of which blocks");
  auto [jobs, queue] = make_channel<int>(3);
  EXPECT_EQ(jobs.send(1), SendStatus::kSent);
  EXPECT_EQ(jobs.try_send(2), SendStatus::kSent);
  EXPECT_EQ(jobs.send_for(3, Clock::duration::zero()), SendStatus::kSent);
  EXPECT_THAT(queue.receive(), Optional(1));
  EXPECT_THAT(queue.try_receive(), Optional(2));

  // Again, with the values on both sides of where a ring buffer would wrap around.
  EXPECT_EQ(jobs.try_send(4), SendStatus::kSent);
  EXPECT_EQ(jobs.try_send(5), SendStatus::kSent);
  jobs.close();
  EXPECT_THAT(drain(watchdog, queue), ElementsAre(3, 4, 5));
}

TEST(Channel, HoldsExactlyItsCapacity) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for try_send() to come back at once");
  for (const std::size_t capacity : {1u, 2u, 3u, 100u}) {
    auto [jobs, queue] = make_channel<int>(capacity);
    for (std::size_t i = 0; i < capacity; ++i) {
      EXPECT_EQ(jobs.try_send(0), SendStatus::kSent) << "value " << i + 1 << " of " << capacity;
    }
    EXPECT_EQ(jobs.try_send(0), SendStatus::kFull) << "one more than capacity " << capacity;

    EXPECT_TRUE(queue.try_receive());
    EXPECT_EQ(jobs.try_send(0), SendStatus::kSent) << "room for one, capacity " << capacity;
    EXPECT_EQ(jobs.try_send(0), SendStatus::kFull) << "room for two, capacity " << capacity;
  }
}

TEST(Channel, CapacityZeroIsRefusedWithWhatWasWrongAndWhatIsAllowed) {
  EXPECT_THAT(
      [] { (void)make_channel<int>(0); },
      ThrowsMessage<std::invalid_argument>(AllOf(
          HasSubstr("make_channel"), HasSubstr("capacity is 0"), HasSubstr("must be at least 1"))));
}

TEST(Channel, SenderBlocksWhenFullAndGoesOnAfterOneReceive) {
  Watchdog watchdog;
  auto [jobs, queue] = make_channel<int>(2);
  EXPECT_EQ(jobs.try_send(1), SendStatus::kSent);
  EXPECT_EQ(jobs.try_send(2), SendStatus::kSent);
  std::jthread sender = watchdog.thread("sender: send(3), the channel is full",
                                        [&] { EXPECT_EQ(jobs.send(3), SendStatus::kSent); });
  await_blocked_senders(watchdog, jobs, 1);
  EXPECT_EQ(jobs.stats().sent, 2u) << "the blocked send has already sent something";

  EXPECT_THAT(queue.receive(), Optional(1));
  sender.join();
  EXPECT_THAT(queue.try_receive(), Optional(2));
  EXPECT_THAT(queue.try_receive(), Optional(3));
}

TEST(Channel, ReceiverBlocksWhenEmptyAndGoesOnAfterOneSend) {
  Watchdog watchdog;
  auto [jobs, queue] = make_channel<int>(2);
  std::jthread receiver = watchdog.thread("receiver: receive(), the channel is empty",
                                          [&] { EXPECT_THAT(queue.receive(), Optional(1)); });
  await_blocked_receivers(watchdog, queue, 1);

  EXPECT_EQ(jobs.send(1), SendStatus::kSent);
  receiver.join();
  EXPECT_EQ(queue.stats().received, 1u);
}

TEST(Channel, OneReceiveLetsExactlyOneBlockedSenderThrough) {
  Watchdog watchdog;
  auto [jobs, queue] = make_channel<int>(1);
  EXPECT_EQ(jobs.try_send(0), SendStatus::kSent);
  std::vector<std::jthread> senders;
  for (int i = 1; i <= 3; ++i) {
    senders.push_back(watchdog.thread("sender: send(" + std::to_string(i) + ")", [&jobs, i] {
      EXPECT_EQ(jobs.send(int{i}), SendStatus::kSent);
    }));
  }
  await_blocked_senders(watchdog, jobs, 3);

  std::vector<int> received;
  for (const std::size_t still_blocked : {2u, 1u, 0u}) {
    received.push_back(queue.receive().value_or(-1));
    await_blocked_senders(watchdog, jobs, still_blocked);
    EXPECT_EQ(jobs.stats().queued, 1u) << "with " << still_blocked << " senders left";
  }
  received.push_back(queue.try_receive().value_or(-1));
  EXPECT_THAT(received, UnorderedElementsAre(0, 1, 2, 3));
}

TEST(Channel, OneSendLetsExactlyOneBlockedReceiverThrough) {
  Watchdog watchdog;
  auto [jobs, queue] = make_channel<int>(3);
  std::vector<std::jthread> receivers;
  for (int i = 1; i <= 3; ++i) {
    receivers.push_back(watchdog.thread("receiver: receive() " + std::to_string(i),
                                        [&queue] { EXPECT_THAT(queue.receive(), Optional(7)); }));
  }
  await_blocked_receivers(watchdog, queue, 3);

  for (const std::size_t still_blocked : {2u, 1u, 0u}) {
    EXPECT_EQ(jobs.send(7), SendStatus::kSent);
    await_blocked_receivers(watchdog, queue, still_blocked);
    EXPECT_EQ(queue.stats().queued, 0u) << "with " << still_blocked << " receivers left";
  }
}

// Three at once: an implementation that only tells of the step from empty to not empty, or from
// full to not full, leaves some of the parked threads behind.
TEST(Channel, AsManyAreLetThroughAsThereIsRoomOrWorkFor) {
  Watchdog watchdog;
  for (int round = 0; round < 10; ++round) {
    auto [jobs, queue] = make_channel<int>(3);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.push_back(watchdog.thread("receiver: one of 3 for 3 values",
                                        [&queue] { EXPECT_THAT(queue.receive(), Optional(7)); }));
    }
    await_blocked_receivers(watchdog, queue, 3);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(jobs.send(7), SendStatus::kSent);
    threads.clear();

    for (int i = 0; i < 3; ++i) EXPECT_EQ(jobs.try_send(7), SendStatus::kSent);
    for (int i = 0; i < 3; ++i) {
      threads.push_back(watchdog.thread("sender: one of 3 for 3 places",
                                        [&jobs] { EXPECT_EQ(jobs.send(7), SendStatus::kSent); }));
    }
    await_blocked_senders(watchdog, jobs, 3);
    for (int i = 0; i < 3; ++i) EXPECT_THAT(queue.receive(), Optional(7));
    threads.clear();
  }
}

TEST(Channel, TryReceiveOnAnEmptyChannelComesBackWithNothing) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for try_receive() to come back at once");
  auto [jobs, queue] = make_channel<int>(1);
  EXPECT_EQ(queue.try_receive(), std::nullopt);
  EXPECT_EQ(jobs.try_send(1), SendStatus::kSent);
  EXPECT_THAT(queue.try_receive(), Optional(1));
  EXPECT_EQ(queue.try_receive(), std::nullopt);
}

TEST(Channel, TrySendOnAFullChannelKeepsTheValue) {
  Watchdog watchdog;
  auto [jobs, queue] = make_channel<std::unique_ptr<int>>(1);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  EXPECT_EQ(jobs.try_send(std::move(first)), SendStatus::kSent);
  EXPECT_EQ(first, nullptr) << "a value that was sent must have left its owner";

  EXPECT_EQ(jobs.try_send(std::move(second)), SendStatus::kFull);
  ASSERT_NE(second, nullptr) << "the refused value is gone";
  EXPECT_EQ(*second, 2);
}

TEST(Channel, StatsAreExactAtRest) {
  Watchdog watchdog;
  auto [jobs, queue] = make_channel<int>(2);
  const std::string nobody_blocked = ", blocked senders 0, blocked receivers 0";
  EXPECT_EQ(text(jobs.stats()), "sent 0, received 0, queued 0" + nobody_blocked);

  EXPECT_EQ(jobs.send(1), SendStatus::kSent);
  EXPECT_EQ(jobs.send(2), SendStatus::kSent);
  EXPECT_EQ(jobs.try_send(3), SendStatus::kFull);
  EXPECT_EQ(text(jobs.stats()), "sent 2, received 0, queued 2" + nobody_blocked);

  EXPECT_TRUE(queue.receive());
  EXPECT_EQ(text(jobs.stats()), "sent 2, received 1, queued 1" + nobody_blocked);
  EXPECT_TRUE(queue.try_receive());
  EXPECT_FALSE(queue.try_receive());
  EXPECT_EQ(text(queue.stats()), "sent 2, received 2, queued 0" + nobody_blocked);

  EXPECT_EQ(jobs.try_send(4), SendStatus::kSent);
  EXPECT_EQ(jobs.close_and_take_pending().size(), 1u);
  EXPECT_EQ(jobs.send(5), SendStatus::kClosed);
  EXPECT_FALSE(queue.receive());
  EXPECT_EQ(text(jobs.stats()), "sent 3, received 2, queued 0" + nobody_blocked);
  EXPECT_EQ(text(queue.stats()), text(jobs.stats())) << "the two ends count differently";
}

TEST(Channel, StatsTellHowManyAreBlockedOnEachSide) {
  Watchdog watchdog;
  auto [jobs, queue] = make_channel<int>(1);
  {
    std::vector<std::jthread> receivers;
    for (int i = 0; i < 2; ++i) {
      receivers.push_back(watchdog.thread("receiver: for a value", [&] { (void)queue.receive(); }));
    }
    await_blocked_receivers(watchdog, jobs, 2);
    EXPECT_EQ(text(queue.stats()),
              "sent 0, received 0, queued 0, blocked senders 0, blocked receivers 2");
    EXPECT_EQ(jobs.send(1), SendStatus::kSent);
    EXPECT_EQ(jobs.send(2), SendStatus::kSent);
  }
  EXPECT_EQ(text(queue.stats()),
            "sent 2, received 2, queued 0, blocked senders 0, blocked receivers 0");

  EXPECT_EQ(jobs.try_send(3), SendStatus::kSent);
  {
    std::jthread patient =
        watchdog.thread("sender: send(4), the channel is full", [&] { (void)jobs.send(4); });
    std::jthread timed = watchdog.thread("sender: send_for(5, 1 h), the channel is full",
                                         [&] { (void)jobs.send_for(5, std::chrono::hours(1)); });
    await_blocked_senders(watchdog, queue, 2);
    EXPECT_EQ(text(jobs.stats()),
              "sent 3, received 2, queued 1, blocked senders 2, blocked receivers 0");
    jobs.close();
  }
  EXPECT_EQ(text(jobs.stats()),
            "sent 3, received 2, queued 1, blocked senders 0, blocked receivers 0");
}

TEST(Channel, CopiesOfAReceiverShareOneChannel) {
  Watchdog watchdog;
  auto [jobs, queue] = make_channel<int>(3);
  const Receiver<int> copy = queue;
  Receiver<int> assigned = make_channel<int>(1).second;
  assigned = queue;
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(jobs.try_send(int{i}), SendStatus::kSent);
  EXPECT_THAT(queue.try_receive(), Optional(1));
  EXPECT_THAT(copy.try_receive(), Optional(2));
  EXPECT_THAT(assigned.try_receive(), Optional(3));
}

TEST(Channel, MovingAReceiverLeavesAUsableOne) {
  Watchdog watchdog;
  auto [jobs, queue] = make_channel<int>(3);
  const Receiver<int> moved_to = std::move(queue);
  Receiver<int> assigned = make_channel<int>(1).second;
  assigned = std::move(queue);
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(jobs.try_send(int{i}), SendStatus::kSent);
  EXPECT_THAT(queue.try_receive(), Optional(1));
  EXPECT_THAT(moved_to.try_receive(), Optional(2));
  EXPECT_THAT(assigned.try_receive(), Optional(3));
}

TEST(Channel, TwoChannelsHaveNothingInCommon) {
  Watchdog watchdog;
  auto [jobs, queue] = make_channel<int>(1);
  auto [other_jobs, other_queue] = make_channel<int>(1);
  EXPECT_EQ(jobs.try_send(1), SendStatus::kSent);
  EXPECT_EQ(other_queue.try_receive(), std::nullopt);
  other_jobs.close();
  EXPECT_THAT(queue.try_receive(), Optional(1));
  EXPECT_EQ(jobs.try_send(2), SendStatus::kSent);
}

// A Sender goes on without receivers: what it sends fills the channel, and nobody is told off.
TEST(Channel, TheSenderOutlivesEveryReceiver) {
  Watchdog watchdog;
  std::optional<Sender<int>> jobs;
  {
    auto [sender, queue] = make_channel<int>(2);
    EXPECT_EQ(sender.try_send(1), SendStatus::kSent);
    jobs.emplace(std::move(sender));
  }
  EXPECT_EQ(jobs->send(2), SendStatus::kSent);
  EXPECT_EQ(jobs->try_send(3), SendStatus::kFull);
  EXPECT_THAT(jobs->close_and_take_pending(), ElementsAre(1, 2));
}

TEST(Channel, AReceiverOutlivesTheSenderAndTheOtherReceivers) {
  Watchdog watchdog;
  std::optional<Receiver<int>> last;
  {
    auto [jobs, queue] = make_channel<int>(2);
    EXPECT_EQ(jobs.try_send(1), SendStatus::kSent);
    EXPECT_EQ(jobs.try_send(2), SendStatus::kSent);
    last.emplace(queue);
  }
  EXPECT_THAT(last->try_receive(), Optional(1));
  EXPECT_THAT(drain(watchdog, *last), ElementsAre(2));
}

}  // namespace
}  // namespace worker_pool
