// An open channel: order, capacity, blocking, refusing, stats, and its two ends. Other files test
// the rest: channel_close_test.cc closing, channel_value_test.cc the values and their type,
// channel_timeout_test.cc timeouts, channel_context_test.cc contexts, channel_thread_end_test.cc
// threads that are canceled, channel_stress_test.cc many threads at once.
#include "step2_worker/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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
#include "step2_worker/channel_under_test.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::ThrowsMessage;

TEST_P(Channel, ValuesAreReceivedInTheOrderInWhichTheyWereSent) {
  Watchdog watchdog;
  const auto note =
      watchdog.waiting("test: for one of its sends or receives, none of which blocks");
  auto [jobs, queue] = make<int>();
  int sent = 0;
  int received = 0;
  const auto send_until_full = [&] {  // alternates between the three send functions
    while (sent - received < capacity()) {
      const int value = ++sent;
      EXPECT_EQ(value % 3 == 0   ? jobs.send(int{value})
                : value % 3 == 1 ? jobs.try_send(int{value})
                                 : jobs.send_for(int{value}, Clock::duration::zero()),
                SendStatus::kSent)
          << "value " << value;
    }
  };
  // A ring buffer wraps around ten times, with none, one, two, ... values left in it.
  for (int round = 0; round < 10; ++round) {
    send_until_full();
    while (sent - received > round % capacity()) {
      const int value = ++received;
      EXPECT_THAT(value % 2 == 0 ? queue.receive() : queue.try_receive(), Optional(value));
    }
  }

  send_until_full();
  jobs.close();
  EXPECT_EQ(drain(watchdog, queue), numbers(received + 1, sent));
}

TEST_P(Channel, HoldsExactlyItsCapacity) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for try_send() to return at once");
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  EXPECT_EQ(jobs.try_send(0), SendStatus::kFull) << "took one value more than its capacity";

  for (int i = 0; i < 2 * capacity(); ++i) {
    EXPECT_TRUE(queue.try_receive());
    EXPECT_EQ(jobs.try_send(0), SendStatus::kSent) << "no room after one receive, in round " << i;
    EXPECT_EQ(jobs.try_send(0), SendStatus::kFull)
        << "room for two values after one receive, in round " << i;
  }
}

TEST_P(Channel, CapacityZeroIsRefusedWithWhatWasWrongAndWhatIsAllowed) {
  EXPECT_THAT([] { (void)KindUnderTest::make<int>(0); },
              ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr(KindUnderTest::kMaker),
                                                         HasSubstr("capacity is 0"),
                                                         HasSubstr("must be at least 1"))));
}

TEST_P(Channel, SenderBlocksWhenFullAndGoesOnAfterOneReceive) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  std::jthread sender = watchdog.thread("sender: one send() more than the channel holds", [&] {
    EXPECT_EQ(jobs.send(capacity() + 1), SendStatus::kSent);
  });
  await_blocked_senders(watchdog, jobs, 1);
  const auto full = static_cast<std::size_t>(capacity());
  EXPECT_EQ(text(jobs.stats()), text({.sent = full, .queued = full, .blocked_senders = 1}))
      << "the blocked send was counted as sent";

  EXPECT_THAT(queue.receive(), Optional(1));
  sender.join();
  EXPECT_EQ(take_queued(queue), numbers(2, capacity() + 1));
}

TEST_P(Channel, ReceiverBlocksWhenEmptyAndGoesOnAfterOneSend) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  std::jthread receiver = watchdog.thread("receiver: receive(), the channel is empty",
                                          [&] { EXPECT_THAT(queue.receive(), Optional(1)); });
  await_blocked_receivers(watchdog, queue, 1);

  EXPECT_EQ(jobs.send(1), SendStatus::kSent);
  receiver.join();
  EXPECT_EQ(queue.stats().received, 1u);
}

TEST_P(Channel, OneReceiveLetsExactlyOneBlockedSenderThrough) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  std::vector<std::jthread> senders;
  for (int i = 1; i <= 3; ++i) {
    senders.push_back(watchdog.thread("sender: send() " + std::to_string(i), [&jobs, i] {
      EXPECT_EQ(jobs.send(capacity() + i), SendStatus::kSent);
    }));
  }
  await_blocked_senders(watchdog, jobs, 3);

  std::vector<int> received;
  for (const std::size_t still_blocked : {2u, 1u, 0u}) {
    received.push_back(queue.receive().value_or(-1));
    await_blocked_senders(watchdog, jobs, still_blocked);
    EXPECT_EQ(jobs.stats().queued, static_cast<std::size_t>(capacity()))
        << "with " << still_blocked << " senders left";
  }
  for (const int value : take_queued(queue)) received.push_back(value);
  std::ranges::sort(received);  // the scheduler decides the order of the senders
  EXPECT_EQ(received, numbers(1, capacity() + 3));
}

TEST_P(Channel, OneSendLetsExactlyOneBlockedReceiverThrough) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
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

// Three at once: an implementation that notifies only when empty becomes not empty, or full becomes
// not full, leaves some of the threads blocked.
TEST_P(Channel, AsManyAreLetThroughAsThereIsRoomOrWorkFor) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for a blocked thread to make room, or to send a value");
  for (int round = 0; round < 10; ++round) {
    auto [jobs, queue] = make<int>();
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.push_back(watchdog.thread("receiver: one of 3 for 3 values",
                                        [&queue] { EXPECT_THAT(queue.receive(), Optional(7)); }));
    }
    await_blocked_receivers(watchdog, queue, 3);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(jobs.send(7), SendStatus::kSent);
    threads.clear();

    fill(jobs, capacity());
    for (int i = 1; i <= 3; ++i) {
      threads.push_back(watchdog.thread("sender: one of 3 for 3 places", [&jobs] {
        EXPECT_EQ(jobs.send(capacity() + 1), SendStatus::kSent);
      }));
    }
    await_blocked_senders(watchdog, jobs, 3);
    for (int i = 1; i <= 3; ++i) {
      EXPECT_THAT(queue.receive(), Optional(std::min(i, capacity() + 1)));
    }
    threads.clear();
  }
}

TEST_P(Channel, TryReceiveOnAnEmptyChannelReturnsNothing) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for try_receive() to return at once");
  auto [jobs, queue] = make<int>();
  EXPECT_EQ(queue.try_receive(), std::nullopt);
  EXPECT_EQ(jobs.try_send(1), SendStatus::kSent);
  EXPECT_THAT(queue.try_receive(), Optional(1));
  EXPECT_EQ(queue.try_receive(), std::nullopt);
}

TEST_P(Channel, TrySendOnAFullChannelKeepsTheValue) {
  Watchdog watchdog;
  auto [jobs, queue] = make<std::unique_ptr<int>>();
  fill(jobs, capacity() - 1);
  auto last = std::make_unique<int>(1);
  auto one_too_many = std::make_unique<int>(2);
  EXPECT_EQ(jobs.try_send(std::move(last)), SendStatus::kSent);
  EXPECT_EQ(last, nullptr) << "a sent value was not moved from";

  EXPECT_EQ(jobs.try_send(std::move(one_too_many)), SendStatus::kFull);
  ASSERT_NE(one_too_many, nullptr) << "a refused value was moved from";
  EXPECT_EQ(*one_too_many, 2);
}

TEST_P(Channel, StatsAreExactAtRest) {
  Watchdog watchdog;
  const auto full = static_cast<std::size_t>(capacity());
  auto [jobs, queue] = make<int>();
  EXPECT_EQ(text(jobs.stats()), text({}));

  fill(jobs, capacity());
  EXPECT_EQ(jobs.try_send(0), SendStatus::kFull);
  EXPECT_EQ(text(jobs.stats()), text({.sent = full, .queued = full}));

  EXPECT_TRUE(queue.receive());
  EXPECT_EQ(text(jobs.stats()), text({.sent = full, .received = 1, .queued = full - 1}));
  (void)take_queued(queue);
  EXPECT_FALSE(queue.try_receive());
  EXPECT_EQ(text(queue.stats()), text({.sent = full, .received = full}));

  EXPECT_EQ(jobs.send(0), SendStatus::kSent);
  EXPECT_EQ(jobs.close_and_take_pending().size(), 1u);
  EXPECT_EQ(jobs.send(0), SendStatus::kClosed);
  EXPECT_FALSE(queue.receive());
  EXPECT_EQ(text(jobs.stats()), text({.sent = full + 1, .received = full}));
  EXPECT_EQ(text(queue.stats()), text(jobs.stats())) << "the two ends have different stats";
}

TEST_P(Channel, StatsTellHowManyAreBlockedOnEachSide) {
  Watchdog watchdog;
  const auto full = static_cast<std::size_t>(capacity());
  auto [jobs, queue] = make<int>();
  {
    std::vector<std::jthread> receivers;
    for (int i = 0; i < 2; ++i) {
      receivers.push_back(watchdog.thread("receiver: for a value", [&] { (void)queue.receive(); }));
    }
    await_blocked_receivers(watchdog, jobs, 2);
    EXPECT_EQ(text(queue.stats()), text({.blocked_receivers = 2}));
    EXPECT_EQ(jobs.send(1), SendStatus::kSent);
    EXPECT_EQ(jobs.send(2), SendStatus::kSent);
  }
  EXPECT_EQ(text(queue.stats()), text({.sent = 2, .received = 2}));

  fill(jobs, capacity());
  {
    std::jthread untimed =
        watchdog.thread("sender: send() on a full channel", [&] { (void)jobs.send(0); });
    std::jthread timed = watchdog.thread("sender: send_for(0, 1 h) on a full channel",
                                         [&] { (void)jobs.send_for(0, std::chrono::hours(1)); });
    await_blocked_senders(watchdog, queue, 2);
    EXPECT_EQ(text(jobs.stats()),
              text({.sent = 2 + full, .received = 2, .queued = full, .blocked_senders = 2}));
    jobs.close();
  }
  EXPECT_EQ(text(jobs.stats()), text({.sent = 2 + full, .received = 2, .queued = full}));
}

TEST_P(Channel, CopiesOfAReceiverShareOneChannel) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  const Receiver<int> copy = queue;
  Receiver<int> assigned = make<int>().second;
  assigned = queue;
  fill(jobs, capacity());
  EXPECT_THAT(queue.try_receive(), Optional(1));
  EXPECT_EQ(jobs.try_send(capacity() + 1), SendStatus::kSent);
  EXPECT_THAT(copy.try_receive(), Optional(2));
  EXPECT_EQ(jobs.try_send(capacity() + 2), SendStatus::kSent);
  EXPECT_THAT(assigned.try_receive(), Optional(3));
}

TEST_P(Channel, MovingAReceiverLeavesAUsableOne) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  const Receiver<int> moved_to = std::move(queue);
  Receiver<int> assigned = make<int>().second;
  assigned = std::move(queue);
  fill(jobs, capacity());
  EXPECT_THAT(queue.try_receive(), Optional(1));
  EXPECT_EQ(jobs.try_send(capacity() + 1), SendStatus::kSent);
  EXPECT_THAT(moved_to.try_receive(), Optional(2));
  EXPECT_EQ(jobs.try_send(capacity() + 2), SendStatus::kSent);
  EXPECT_THAT(assigned.try_receive(), Optional(3));
}

TEST_P(Channel, TwoChannelsHaveNothingInCommon) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  auto [other_jobs, other_queue] = make<int>();
  EXPECT_EQ(jobs.try_send(1), SendStatus::kSent);
  EXPECT_EQ(other_queue.try_receive(), std::nullopt);
  other_jobs.close();
  EXPECT_THAT(queue.try_receive(), Optional(1));
  EXPECT_EQ(jobs.try_send(2), SendStatus::kSent);
}

// Without receivers, a Sender still sends until the channel is full. That is not an error.
TEST_P(Channel, TheSenderOutlivesEveryReceiver) {
  Watchdog watchdog;
  std::optional<Sender<int>> jobs;
  {
    auto [sender, queue] = make<int>();
    fill(sender, capacity() - 1);
    jobs.emplace(std::move(sender));
  }
  EXPECT_EQ(jobs->send(int{capacity()}), SendStatus::kSent);
  EXPECT_EQ(jobs->try_send(0), SendStatus::kFull);
  EXPECT_EQ(jobs->close_and_take_pending(), numbers(1, capacity()));
}

TEST_P(Channel, AReceiverOutlivesTheSenderAndTheOtherReceivers) {
  Watchdog watchdog;
  std::optional<Receiver<int>> last;
  {
    auto [jobs, queue] = make<int>();
    fill(jobs, capacity());
    last.emplace(queue);
  }
  EXPECT_THAT(last->try_receive(), Optional(1));
  EXPECT_EQ(drain(watchdog, *last), numbers(2, capacity()));
}

}  // namespace
}  // namespace worker_pool
