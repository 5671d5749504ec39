// The values in a channel: what their type needs, that they are never copied, where they are
// destroyed, and what happens when their move throws.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
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
using ::testing::Field;
using ::testing::Optional;

// Has only what the channel needs: no default constructor, no copy, no assignment.
struct OnlyMoveConstructible {
  explicit OnlyMoveConstructible(int number) : id(number) {}
  OnlyMoveConstructible(OnlyMoveConstructible&&) = default;
  const int id;
};

TEST_P(Channel, AMoveConstructorIsAllThatATypeNeeds) {
  Watchdog watchdog;
  auto [jobs, queue] = make<OnlyMoveConstructible>();
  EXPECT_EQ(jobs.send(OnlyMoveConstructible(1)), SendStatus::kSent);
  EXPECT_THAT(queue.receive(), Optional(Field("id", &OnlyMoveConstructible::id, 1)));
  EXPECT_EQ(jobs.try_send(OnlyMoveConstructible(2)), SendStatus::kSent);
  EXPECT_THAT(queue.try_receive(), Optional(Field("id", &OnlyMoveConstructible::id, 2)));
  EXPECT_EQ(jobs.send_for(OnlyMoveConstructible(3), Clock::duration::max()), SendStatus::kSent);
  EXPECT_THAT(jobs.close_and_take_pending(),
              ElementsAre(Field("id", &OnlyMoveConstructible::id, 3)));
}

TEST_P(Channel, CarriesMoveOnlyPayload) {
  Watchdog watchdog;
  auto [jobs, queue] = make<std::unique_ptr<int>>();
  auto value = std::make_unique<int>(7);
  const int* const address = value.get();
  EXPECT_EQ(jobs.send(std::move(value)), SendStatus::kSent);
  const std::optional<std::unique_ptr<int>> received = queue.receive();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->get(), address) << "received another object than the one that was sent";
}

TEST_P(Channel, ReceiveIntoReplacesTheValueBefore) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for values that have been sent");
  auto [jobs, queue] = make<int>();
  std::optional<int> value;
  for (int number = 1; number <= 3 * capacity(); ++number) {
    EXPECT_EQ(jobs.try_send(int{number}), SendStatus::kSent);
    EXPECT_TRUE(queue.receive_into(value));
    EXPECT_THAT(value, Optional(number));
  }
  jobs.close();
  EXPECT_FALSE(queue.receive_into(value));
  EXPECT_EQ(value, std::nullopt);
}

TEST_P(Channel, ReceiveIntoEndsTheValueBeforeItWaits) {
  Watchdog watchdog;
  auto [jobs, queue] = make<std::shared_ptr<int>>();
  auto owner = std::make_shared<int>(7);
  const std::weak_ptr<int> before = owner;
  EXPECT_EQ(jobs.try_send(std::move(owner)), SendStatus::kSent);
  std::jthread receiver([&watchdog, values = queue] {
    const auto note = watchdog.waiting("the receiver: for a value or the end of the channel");
    std::optional<std::shared_ptr<int>> value;
    while (values.receive_into(value)) EXPECT_THAT(value, Optional(::testing::Pointee(7)));
    EXPECT_EQ(value, std::nullopt);
  });
  watchdog.await("the value to be received", [&] { return queue.stats().received == 1; });
  await_blocked_receivers(watchdog, queue, 1);
  EXPECT_TRUE(before.expired()) << "the receiver waits and still owns the value before";
  jobs.close();
}

// Its move may throw, so a container that reallocates would copy it.
struct CountsCopies {
  explicit CountsCopies(int& counter) : copies(&counter) {}
  CountsCopies(const CountsCopies& other) : copies(other.copies) { ++*copies; }
  CountsCopies(CountsCopies&& other) noexcept(false) : copies(other.copies) {}
  int* copies;
};

TEST_P(Channel, CopiesNothing) {
  Watchdog watchdog;
  int copies = 0;
  auto [jobs, queue] = make<CountsCopies>();
  CountsCopies value(copies);
  for (int i = 0; i < capacity(); ++i) {
    EXPECT_EQ(jobs.send(std::move(value)), SendStatus::kSent);
  }
  EXPECT_EQ(copies, 0) << "while sending";
  EXPECT_TRUE(queue.receive());
  EXPECT_EQ(copies, 0) << "while receiving";
  EXPECT_EQ(jobs.try_send(std::move(value)), SendStatus::kSent);
  EXPECT_TRUE(queue.try_receive());
  EXPECT_EQ(jobs.send_for(std::move(value), Clock::duration::max()), SendStatus::kSent);
  EXPECT_EQ(copies, 0) << "in try_send(), try_receive() or send_for()";
  EXPECT_EQ(jobs.close_and_take_pending().size(), static_cast<std::size_t>(capacity()));
  EXPECT_EQ(copies, 0) << "while taking the pending values";
}

// Its destructor calls stats() of its own channel, which would deadlock under the channel's lock.
// Copyable, so that a channel that copies a value and destroys the original fails too.
class CallsBack {
 public:
  CallsBack(const Receiver<CallsBack>& queue, int& destroyed)
      : queue_(queue), destroyed_(&destroyed) {}
  CallsBack(const CallsBack&) = default;
  CallsBack(CallsBack&& other) noexcept
      : queue_(other.queue_), destroyed_(std::exchange(other.destroyed_, nullptr)) {}
  ~CallsBack() {
    if (destroyed_ == nullptr) return;  // moved from: not a live value
    (void)queue_.stats();
    ++*destroyed_;
  }

 private:
  Receiver<CallsBack> queue_;
  int* destroyed_;
};

TEST_P(Channel, AReceivedValueIsNotDestroyedUnderTheLock) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for a destructor that calls back into the channel");
  int destroyed = 0;
  auto [jobs, queue] = make<CallsBack>();
  EXPECT_EQ(jobs.send(CallsBack(queue, destroyed)), SendStatus::kSent);
  EXPECT_EQ(destroyed, 0) << "while sending";
  EXPECT_TRUE(queue.receive());
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(jobs.send(CallsBack(queue, destroyed)), SendStatus::kSent);
  EXPECT_EQ(destroyed, 1) << "while sending";
  EXPECT_TRUE(queue.try_receive());
  EXPECT_EQ(destroyed, 2);
}

TEST_P(Channel, ARefusedValueIsNotDestroyedByTheChannel) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for a destructor that calls back into the channel");
  int destroyed = 0;
  auto [jobs, queue] = make<CallsBack>();
  fill(jobs, capacity(), [&](int) { return CallsBack(queue, destroyed); });
  CallsBack value(queue, destroyed);
  EXPECT_EQ(jobs.try_send(std::move(value)), SendStatus::kFull);
  EXPECT_TRUE(queue.receive());
  jobs.close();
  EXPECT_EQ(jobs.send(std::move(value)), SendStatus::kClosed);
  EXPECT_EQ(destroyed, 1) << "expected the received value only";
  (void)take_queued(queue);  // each value owns the channel that owns it
}

TEST_P(Channel, ThePendingValuesAreNotDestroyedUnderTheLock) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for a destructor that calls back into the channel");
  int destroyed = 0;
  auto [jobs, queue] = make<CallsBack>();
  fill(jobs, capacity(), [&](int) { return CallsBack(queue, destroyed); });
  {
    const std::vector<CallsBack> pending = jobs.close_and_take_pending();
    EXPECT_EQ(pending.size(), static_cast<std::size_t>(capacity()));
    EXPECT_EQ(destroyed, 0) << "destroyed before the caller got them";
  }
  EXPECT_EQ(destroyed, capacity());
}

// Closing destroys no value. The last end to be destroyed destroys the values that are left.
TEST_P(Channel, ValuesThatAreNotReceivedLiveAsLongAsTheLastEnd) {
  Watchdog watchdog;
  const auto value = std::make_shared<int>(7);
  std::optional<Receiver<std::shared_ptr<int>>> last;
  {
    auto [jobs, queue] = make<std::shared_ptr<int>>();
    fill(jobs, capacity(), [&](int) { return value; });
    EXPECT_TRUE(queue.try_receive());
    EXPECT_EQ(jobs.try_send(std::shared_ptr<int>(value)),
              SendStatus::kSent);  // a ring buffer wraps around
    last.emplace(queue);
  }
  EXPECT_EQ(value.use_count(), 1 + capacity()) << "the values were destroyed before the last end";
  last.reset();
  EXPECT_EQ(value.use_count(), 1) << "the values outlived the channel";
}

// Shares a countdown of moves with other values. The move that brings it to zero throws.
struct Fragile {
  static constexpr int kNeverThrow = 0;
  Fragile(int number, std::atomic<int>& countdown) : id(number), moves_left(&countdown) {}
  Fragile(Fragile&& other) : id(other.id), moves_left(other.moves_left) {
    if (--*moves_left == 0) throw std::runtime_error("this move fails");
    other.id = -1;
  }
  int id;
  std::atomic<int>* moves_left;
};

TEST_P(Channel, AMoveThatThrowsOnSendSendsNothing) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for a send whose move throws, or for the next one");
  auto [jobs, queue] = make<Fragile>();
  std::atomic<int> moves_left;
  Fragile value(7, moves_left);
  EXPECT_THROW((moves_left = 1, (void)jobs.send(std::move(value))), std::runtime_error);
  EXPECT_THROW((moves_left = 1, (void)jobs.try_send(std::move(value))), std::runtime_error);
  EXPECT_THROW((moves_left = 1, (void)jobs.send_for(std::move(value), Clock::duration::max())),
               std::runtime_error);
  EXPECT_EQ(text(queue.stats()), text({}));

  EXPECT_EQ(jobs.try_send(std::move(value)), SendStatus::kSent)
      << "the failed send broke the channel";
  fill(jobs, capacity() - 1, [&](int id) { return Fragile(id, moves_left); });
  EXPECT_EQ(jobs.try_send(Fragile(8, moves_left)), SendStatus::kFull)
      << "the failed send broke the channel";
  EXPECT_THAT(queue.try_receive(), Optional(Field("id", &Fragile::id, 7)));
}

// The first of two blocked senders to be woken throws. The place is still free, so the other sender
// must be woken.
TEST_P(Channel, AMoveThatThrowsOnSendLeavesTheRoomToTheNextSender) {
  Watchdog watchdog;
  std::atomic<int> never = Fragile::kNeverThrow;
  std::atomic<int> first_move_throws = 1;
  std::atomic<int> thrown = 0;
  auto [jobs, queue] = make<Fragile>();
  fill(jobs, capacity(), [&](int id) { return Fragile(id, never); });
  std::vector<std::jthread> senders;
  for (int i = 0; i < 2; ++i) {
    senders.push_back(watchdog.thread("sender: one of 2, of which the first throws", [&] {
      try {
        EXPECT_EQ(jobs.send(Fragile(0, first_move_throws)), SendStatus::kSent);
      } catch (const std::runtime_error&) {
        ++thrown;
      }
    }));
  }
  await_blocked_senders(watchdog, jobs, 2);

  EXPECT_THAT(queue.try_receive(), Optional(Field("id", &Fragile::id, 1)));
  senders.clear();
  EXPECT_EQ(thrown, 1);
  const std::vector<Fragile> rest = take_queued(queue);
  ASSERT_EQ(rest.size(), static_cast<std::size_t>(capacity()));
  EXPECT_EQ(rest.back().id, 0);
}

// Makes each move that a receive performs throw once.
TEST_P(Channel, AMoveThatThrowsOnReceiveLeavesTheValueInTheChannel) {
  const auto full = static_cast<std::size_t>(capacity());
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for a receive whose move throws, or for the next one");
  bool thrown = true;
  for (int failing_move = 1; thrown; ++failing_move) {
    std::atomic<int> moves_left = Fragile::kNeverThrow;
    auto [jobs, queue] = make<Fragile>();
    fill(jobs, capacity(), [&](int id) { return Fragile(id, moves_left); });

    moves_left = failing_move;
    try {
      EXPECT_THAT(queue.receive(), Optional(Field("id", &Fragile::id, 1)));
      thrown = false;
    } catch (const std::runtime_error&) {
      EXPECT_EQ(text(queue.stats()), text({.sent = full, .queued = full}))
          << "after move " << failing_move << " of the receive threw";
      EXPECT_THAT(queue.try_receive(), Optional(Field("id", &Fragile::id, 1)))
          << "after move " << failing_move << " of the receive threw";
    }
  }
}

// The first of two blocked receivers to be woken throws. The value is still queued, so the other
// receiver must be woken.
TEST_P(Channel, AMoveThatThrowsOnReceiveLeavesTheValueToTheNextReceiver) {
  Watchdog watchdog;
  std::atomic<int> second_move_throws = 2;  // the first move is in send()
  std::atomic<int> thrown = 0;
  auto [jobs, queue] = make<Fragile>();
  std::vector<std::jthread> receivers;
  for (int i = 0; i < 2; ++i) {
    receivers.push_back(watchdog.thread("receiver: one of 2, of which the first throws", [&] {
      try {
        EXPECT_THAT(queue.receive(), Optional(Field("id", &Fragile::id, 1)));
      } catch (const std::runtime_error&) {
        ++thrown;
      }
    }));
  }
  await_blocked_receivers(watchdog, queue, 2);

  EXPECT_EQ(jobs.send(Fragile(1, second_move_throws)), SendStatus::kSent);
  receivers.clear();
  EXPECT_EQ(thrown, 1);
  EXPECT_EQ(queue.stats().received, 1u);
}

}  // namespace
}  // namespace worker_pool
