// The fast channel with std's own types under every schedule, with its memory orders: an atomic
// load may also return an older value, as C++ allows.
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "full_pattern/every_schedule/every_schedule.h"
#include "full_pattern/fast_channel/fast_queue.h"
#include "full_pattern/fast_channel/threads.h"
#include "step1_job/context.h"
#include "testing/lab/explorer.h"

namespace worker_pool {
namespace {

constexpr auto kNever = Clock::time_point::max();

// Spins once: more spins would only add equivalent schedules.
struct SpinOnce : StdThreads {
  static constexpr Clock::duration kReceiversSpinFor = Clock::duration::zero();
  static constexpr Clock::duration kSendersSpinFor = Clock::duration::zero();
  static constexpr int kSpinsBeforeYield = 1;
};

using Value = std::unique_ptr<int>;  // what it points to is plain memory that changes hands
using Queue = FastQueue<Value, SpinOnce>;

void expect_every_order(const std::function<void()>& scenario) {
  expect_every_schedule(scenario, {.max_preemptions = preemptions(),
                                   .max_spurious_wakeups = 0,
                                   .early_timeouts = false,
                                   .stale_reads = true});
}

void send(Queue& queue, int value) {
  expect_sent(queue.send(std::make_unique<int>(value), Context()));
}

int receive(Queue& queue) {
  const std::optional<Value> value = queue.receive(kNever);
  return value ? **value : 0;
}

TEST(FastChannelSchedules, AValueIsComplete) {
  expect_every_order([] {
    Queue queue(1);
    std::jthread sender([&] { send(queue, 1); });
    std::jthread receiver([&] { lab::check(receive(queue) == 1, "not the value that was sent"); });
  });
}

TEST(FastChannelSchedules, APlaceIsUsedAgain) {
  expect_every_order([] {
    Queue queue(1);
    std::jthread sender([&] {
      for (int i = 1; i <= 2; ++i) send(queue, i);
    });
    std::jthread receiver([&] {
      for (int i = 1; i <= 2; ++i) lab::check(receive(queue) == i, "not in the order of the sends");
    });
  });
}

TEST(FastChannelSchedules, WhatWasSentBeforeTheCloseIsReceived) {
  expect_every_order([] {
    Queue queue(1);
    std::jthread sender([&] {
      send(queue, 1);
      queue.close();
    });
    std::jthread receiver([&] {
      lab::check(receive(queue) == 1, "the value that was sent is lost");
      lab::check(receive(queue) == 0, "a value that was never sent");
    });
  });
}

TEST(FastChannelSchedules, TwoSendersDoNotMix) {
  expect_every_order([] {
    Queue queue(2);
    std::jthread one([&] { send(queue, 1); });
    std::jthread other([&] { send(queue, 2); });
    one.join();
    other.join();
    const int first = receive(queue);
    lab::check(first + receive(queue) == 3, "a value was lost or is there twice");
  });
}

TEST(FastChannelSchedules, PendingValuesAreTakenBackOrReceived) {
  expect_every_order([] {
    Queue queue(1);
    std::size_t taken = 0;
    int received = 0;
    std::jthread sender([&] { send(queue, 1); });
    std::jthread receiver([&] { received = receive(queue); });
    sender.join();
    std::jthread taker([&] { taken = queue.close_and_take_pending().size(); });
    receiver.join();
    taker.join();
    lab::check(taken + (received == 1 ? 1 : 0) == 1, "the value was lost or is there twice");
  });
}

// The number of values that can be taken back is never negative, whatever is seen of the two
// counts.
TEST(FastChannelSchedules, ATakerSeesConsistentCounts) {
  expect_every_order([] {
    Queue queue(1);
    std::jthread sender([&] { (void)queue.send(std::make_unique<int>(1), Context()); });
    std::jthread receiver([&] { (void)queue.receive(kNever); });
    std::jthread taker([&] { (void)queue.close_and_take_pending(); });
  });
}

// --- A send with a context -----------------------------------------------------------------------

SendStatus send_until_canceled(Queue& queue, const std::stop_source& stop) {
  return queue.send(std::make_unique<int>(2), Context(stop.get_token()));
}

TEST(FastChannelSchedules, ASendThatIsCanceledKeepsItsValue) {
  expect_every_order([] {
    Queue queue(1);
    send(queue, 1);
    std::stop_source stop;
    SendStatus status = SendStatus::kClosed;
    std::jthread sender([&] { status = send_until_canceled(queue, stop); });
    std::jthread receiver([&] { lab::check(receive(queue) == 1, "not the first value"); });
    std::jthread canceler([&] { stop.request_stop(); });
    sender.join();
    receiver.join();
    canceler.join();
    const bool is_sent = status == SendStatus::kSent;
    lab::check(is_sent || status == SendStatus::kFull, "neither sent nor canceled");
    lab::check((queue.stats().queued == 1) == is_sent, "the value is not where it should be");
  });
}

TEST(FastChannelSchedules, ACancelWakesASender) {
  expect_every_order([] {
    Queue queue(1);
    send(queue, 1);
    std::stop_source stop;
    std::jthread sender([&] {
      lab::check(send_until_canceled(queue, stop) == SendStatus::kFull,
                 "the sender did not learn of the cancel");
    });
    std::jthread canceler([&] { stop.request_stop(); });
  });
}

TEST(FastChannelSchedules, ACancelOrACloseWakesASender) {
  expect_every_order([] {
    Queue queue(1);
    send(queue, 1);
    std::stop_source stop;
    std::jthread sender([&] {
      lab::check(send_until_canceled(queue, stop) != SendStatus::kSent, "sent without room");
    });
    std::jthread closer([&] { queue.close(); });
    std::jthread canceler([&] { stop.request_stop(); });
  });
}

// The wake-up for the only free place may go to the sender that is canceled. Both senders have
// slept for so long that no timer of theirs ends the sleep. The callback that comes first gives the
// canceled one the time to leave before its own callback would notify all.
TEST(FastChannelSchedules, ACanceledSenderLeavesTheRoomToTheOther) {
  expect_every_order([] {
    Queue queue(1);
    send(queue, 1);
    std::stop_source stop;
    std::jthread canceled([&] {
      if (send_until_canceled(queue, stop) == SendStatus::kSent) (void)receive(queue);
    });
    std::jthread receiver([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      (void)receive(queue);
      const std::stop_callback comes_first(stop.get_token(), [] {});
      stop.request_stop();
    });
    send(queue, 3);
  });
}

}  // namespace
}  // namespace worker_pool
