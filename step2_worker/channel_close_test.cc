// Closing a channel: close(), what happens after it, who closes, and close_and_take_pending().
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step2_worker/channel.h"
#include "step2_worker/channel_testing.h"
#include "step2_worker/channel_under_test.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pointee;

// Fails unless all three send functions return kClosed and leave the value with the caller.
void expect_refused_with_value_kept(const Watchdog& watchdog, Sender<std::unique_ptr<int>>& jobs) {
  const auto note = watchdog.waiting("test: for a send that must be refused at once");
  auto value = std::make_unique<int>(7);
  EXPECT_EQ(jobs.send(std::move(value)), SendStatus::kClosed);
  EXPECT_THAT(value, Pointee(7)) << "send() moved from a value that it refused";
  EXPECT_EQ(jobs.try_send(std::move(value)), SendStatus::kClosed);
  EXPECT_THAT(value, Pointee(7)) << "try_send() moved from a value that it refused";
  EXPECT_EQ(jobs.send_for(std::move(value), std::chrono::hours(1)), SendStatus::kClosed);
  EXPECT_THAT(value, Pointee(7)) << "send_for() moved from a value that it refused";
}

// Blocks three senders on a full channel, in each of the ways that can block. Fails unless
// `release` wakes them all and leaves their values with them.
template <class Release>
void expect_to_release_blocked_senders(Release release) {
  Watchdog watchdog;
  auto [jobs, queue] = make<std::unique_ptr<int>>();
  fill(jobs, capacity());
  std::vector<std::jthread> senders;
  for (const Clock::duration timeout :
       {Clock::duration::max(), Clock::duration(std::chrono::hours(1))}) {
    senders.push_back(watchdog.thread("sender: send_for() on a full channel", [&jobs, timeout] {
      auto value = std::make_unique<int>(1);
      EXPECT_EQ(jobs.send_for(std::move(value), timeout), SendStatus::kClosed);
      EXPECT_THAT(value, Pointee(1)) << "send_for() moved from a value that it refused";
    }));
  }
  senders.push_back(watchdog.thread("sender: send() on a full channel", [&jobs] {
    auto value = std::make_unique<int>(2);
    EXPECT_EQ(jobs.send(std::move(value)), SendStatus::kClosed);
    EXPECT_THAT(value, Pointee(2)) << "send() moved from a value that it refused";
  }));
  await_blocked_senders(watchdog, jobs, 3);

  release(jobs);
  senders.clear();
  EXPECT_EQ(queue.stats().sent, static_cast<std::uint64_t>(capacity()))
      << "a refused value was counted as sent";
}

// Blocks three receivers on an empty channel. Fails unless `release` wakes them all.
template <class Release>
void expect_to_release_blocked_receivers(Release release) {
  Watchdog watchdog;
  auto [sender, queue] = make<int>();
  std::optional<Sender<int>> jobs(std::move(sender));
  std::vector<std::jthread> receivers;
  for (int i = 0; i < 3; ++i) {
    receivers.push_back(watchdog.thread("receiver: receive() on an empty channel",
                                        [&queue] { EXPECT_EQ(queue.receive(), std::nullopt); }));
  }
  await_blocked_receivers(watchdog, queue, 3);
  release(jobs);
}

TEST_P(Channel, CloseWakesEveryBlockedSender) {
  expect_to_release_blocked_senders([](auto& jobs) { jobs.close(); });
}

TEST_P(Channel, CloseWakesEveryBlockedReceiver) {
  expect_to_release_blocked_receivers([](auto& jobs) { jobs->close(); });
}

TEST_P(Channel, DestroyingTheSenderWakesEveryBlockedReceiver) {
  expect_to_release_blocked_receivers([](auto& jobs) { jobs.reset(); });
}

TEST_P(Channel, AssigningToTheSenderWakesEveryBlockedReceiver) {
  expect_to_release_blocked_receivers([](auto& jobs) { *jobs = make<int>().first; });
}

TEST_P(Channel, TakingThePendingWakesEveryBlockedSender) {
  expect_to_release_blocked_senders([](auto& jobs) {
    EXPECT_EQ(numbers(jobs.close_and_take_pending()), numbers(1, capacity()))
        << "expected the queued values only: a blocked sender has not sent its value";
  });
}

TEST_P(Channel, TakingThePendingWakesEveryBlockedReceiver) {
  expect_to_release_blocked_receivers(
      [](auto& jobs) { EXPECT_THAT(jobs->close_and_take_pending(), IsEmpty()); });
}

TEST_P(Channel, ValuesSentBeforeTheCloseCanStillBeReceived) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  jobs.close();
  EXPECT_THAT(queue.receive(), Optional(1));
  if (capacity() > 1) {
    EXPECT_THAT(queue.try_receive(), Optional(2));
  }
  EXPECT_EQ(drain(watchdog, queue), numbers(3, capacity()));
}

TEST_P(Channel, ClosedAndDrainedStaysSoForever) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for the end of the channel, several times");
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  jobs.close();
  for (int i = 1; i <= capacity(); ++i) EXPECT_THAT(queue.receive(), Optional(i));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(queue.receive(), std::nullopt);
    EXPECT_EQ(queue.try_receive(), std::nullopt);
    EXPECT_EQ(jobs.try_send(2), SendStatus::kClosed);
  }
}

TEST_P(Channel, SendAfterCloseKeepsTheValue) {
  Watchdog watchdog;
  auto [jobs, queue] = make<std::unique_ptr<int>>();
  jobs.close();
  expect_refused_with_value_kept(watchdog, jobs);
  EXPECT_THAT(drain(watchdog, queue), IsEmpty()) << "a refused value was queued";
}

// kFull would suggest a retry, which cannot succeed.
TEST_P(Channel, AFullChannelThatIsClosedSaysClosed) {
  Watchdog watchdog;
  auto [jobs, queue] = make<std::unique_ptr<int>>();
  fill(jobs, capacity());
  jobs.close();
  expect_refused_with_value_kept(watchdog, jobs);
  auto value = std::make_unique<int>(0);
  EXPECT_EQ(jobs.send_for(std::move(value), Clock::duration::zero()), SendStatus::kClosed);
  EXPECT_EQ(numbers(drain(watchdog, queue)), numbers(1, capacity()));
}

TEST_P(Channel, CloseIsIdempotent) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  EXPECT_EQ(jobs.try_send(1), SendStatus::kSent);
  jobs.close();
  jobs.close();
  EXPECT_EQ(jobs.try_send(2), SendStatus::kClosed);
  EXPECT_THAT(drain(watchdog, queue), ElementsAre(1));
  jobs.close();
  EXPECT_THAT(drain(watchdog, queue), IsEmpty());
}

TEST_P(Channel, DestroyingTheSenderClosesAndLosesNothing) {
  Watchdog watchdog;
  std::optional<Receiver<int>> queue;
  {
    auto [jobs, receiver] = make<int>();
    fill(jobs, capacity());
    queue.emplace(receiver);
  }
  EXPECT_EQ(drain(watchdog, *queue), numbers(1, capacity()));
}

TEST_P(Channel, MoveAssignmentClosesTheOldChannelAndKeepsTheNewOneOpen) {
  Watchdog watchdog;
  auto [jobs, old_queue] = make<int>();
  auto [new_jobs, new_queue] = make<int>();
  EXPECT_EQ(jobs.try_send(1), SendStatus::kSent);

  jobs = std::move(new_jobs);
  EXPECT_THAT(drain(watchdog, old_queue), ElementsAre(1));
  EXPECT_EQ(jobs.try_send(2), SendStatus::kSent) << "the move closed the assigned channel";
  EXPECT_THAT(new_queue.try_receive(), Optional(2));
}

TEST_P(Channel, ASenderSurvivesAMoveToItself) {
  auto [jobs, queue] = make<int>();
  auto& itself = jobs;  // a second name, because the compiler warns of a self-move
  jobs = std::move(itself);
  EXPECT_EQ(jobs.try_send(1), SendStatus::kSent) << "a move to itself closed or lost the channel";
  EXPECT_THAT(queue.try_receive(), Optional(1));
}

TEST_P(Channel, MovingASenderMovesTheRightToCloseWithIt) {
  Watchdog watchdog;
  auto [first, queue] = make<int>();
  std::optional<Sender<int>> second(std::move(first));
  first.close();
  EXPECT_EQ(second->try_send(1), SendStatus::kSent) << "the moved-from Sender closed the channel";
  second.reset();
  EXPECT_THAT(drain(watchdog, queue), ElementsAre(1));
}

TEST_P(Channel, AMovedFromSenderRefusesAndKeepsTheValue) {
  Watchdog watchdog;
  auto [jobs, queue] = make<std::unique_ptr<int>>();
  Sender<std::unique_ptr<int>> owner = std::move(jobs);
  expect_refused_with_value_kept(watchdog, jobs);
  EXPECT_THAT(jobs.close_and_take_pending(), IsEmpty());
  EXPECT_EQ(text(jobs.stats()),
            "sent 0, received 0, queued 0, blocked senders 0, blocked receivers 0");

  EXPECT_EQ(owner.try_send(std::make_unique<int>(1)), SendStatus::kSent);
  EXPECT_THAT(queue.try_receive(), Optional(Pointee(1)));
}

TEST_P(Channel, TakingThePendingHandsItBackOldestFirstAndEndsTheReceivers) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  EXPECT_THAT(queue.try_receive(), Optional(1));
  EXPECT_EQ(jobs.try_send(capacity() + 1), SendStatus::kSent);  // a ring buffer wraps around

  EXPECT_EQ(jobs.close_and_take_pending(), numbers(2, capacity() + 1));
  EXPECT_THAT(drain(watchdog, queue), IsEmpty()) << "a value was both taken and received";
  EXPECT_THAT(jobs.close_and_take_pending(), IsEmpty())
      << "the second call returned the values again";
  EXPECT_EQ(jobs.try_send(0), SendStatus::kClosed);
}

TEST_P(Channel, DroppingThePendingDestroysItAndEndsTheReceivers) {
  Watchdog watchdog;
  auto [jobs, queue] = make<std::shared_ptr<int>>();
  const auto value = std::make_shared<int>(7);
  for (int i = 0; i < capacity(); ++i) {
    EXPECT_EQ(jobs.try_send(std::shared_ptr(value)), SendStatus::kSent);
  }
  jobs.close_and_drop_pending();
  EXPECT_EQ(value.use_count(), 1) << "a value is still in the channel";
  EXPECT_THAT(drain(watchdog, queue), IsEmpty());
  EXPECT_EQ(jobs.try_send(std::shared_ptr(value)), SendStatus::kClosed);
}

TEST_P(Channel, TakingThePendingAfterCloseTakesWhatWasNotReceived) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  jobs.close();
  EXPECT_THAT(queue.try_receive(), Optional(1));
  EXPECT_EQ(jobs.close_and_take_pending(), numbers(2, capacity()));
  EXPECT_THAT(drain(watchdog, queue), IsEmpty());
}

}  // namespace
}  // namespace worker_pool
