// Stage 1: the channel.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace your_pool {
namespace {

const LessonStage kChannelStage("1 of 4: the channel");

constexpr Lesson kChannelLesson(
    "25_your_pool",
    "stage 1 is not finished. The verdict above says what the channel promised and did not do. "
    "Stage 2, the worker, opens when stage 1 is green.");

// No default constructor, no copy, no assignment. Without a number once it has been moved from.
class Value {
 public:
  explicit Value(int number) : number_(std::make_unique<int>(number)) {}
  Value(Value&&) noexcept = default;
  Value& operator=(Value&&) = delete;
  int number() const { return number_ ? *number_ : 0; }

 private:
  std::unique_ptr<int> number_;
};

using Values = Channel<Value>;

void expect_sent(Values& channel, int number) {
  if (channel.send(Value(number)) != SendStatus::kSent) {
    fail("send() refused value " + std::to_string(number) + " although the channel was open");
  }
}

void expect_refused(SendStatus status, SendStatus expected, const Value& value,
                    const std::string& state) {
  if (status == SendStatus::kSent) fail("a " + state + " channel accepted a value");
  if (status != expected) fail("wrong status: a " + state + " channel refused a value");
  if (value.number() == 0) fail("a " + state + " channel refused a value, and took it");
}

void expect_send_refused(Values& channel) {
  Value value(99);
  expect_refused(channel.send(std::move(value)), SendStatus::kClosed, value, "closed");
}

void expect_closed(Values& channel) {
  expect_send_refused(channel);
  Value value(99);
  expect_refused(channel.try_send(std::move(value)), SendStatus::kClosed, value, "closed");
}

void expect_received(Values& channel, int number) {
  const std::optional<Value> value = channel.receive();
  if (!(value && value->number() == number)) {
    fail("receive() did not return value " + std::to_string(number) + ", the oldest one");
  }
}

void expect_end(Values& channel) {
  check(!channel.receive(), "receive() returned a value that was not sent");
}

TEST(Channel, KeepsTheOrderAndTheCapacity) {
  const auto scenario = [] {
    Values channel(3);
    const auto start = std::chrono::steady_clock::now();
    for (int first = 1; first <= 40; first += 3) {
      for (int i = 0; i < 2; ++i) expect_sent(channel, first + i);
      check(channel.try_send(Value(first + 2)) == SendStatus::kSent,
            "try_send() refused a value although there was room");
      Value next(99);
      expect_refused(channel.try_send(std::move(next)), SendStatus::kFull, next, "full");
      for (int i = 0; i < 3; ++i) expect_received(channel, first + i);
    }
    check(std::chrono::steady_clock::now() == start, "a full channel made try_send() wait");
  };
  expect_every_schedule(kChannelLesson, scenario, kOneThread);
}

TEST(Channel, RefusesACapacityOfZero) {
  const auto scenario = [] {
    bool is_refused = false;
    try {
      const Values channel(0);
    } catch (const std::invalid_argument&) {
      is_refused = true;
    }
    check(is_refused, "a capacity of 0 did not throw std::invalid_argument");
  };
  expect_every_schedule(kChannelLesson, scenario, kOneThread);
}

TEST(Channel, RefusesValuesOnceItIsClosedAndKeepsThoseItHas) {
  const auto scenario = [] {
    Values channel(3);
    for (int number = 1; number <= 3; ++number) expect_sent(channel, number);
    for (int i = 0; i < 2; ++i) channel.close();
    expect_closed(channel);
    for (int number = 1; number <= 3; ++number) {
      expect_received(channel, number);
      expect_closed(channel);
    }
    for (int i = 0; i < 3; ++i) expect_end(channel);
  };
  expect_every_schedule(kChannelLesson, scenario, kOneThread);
}

TEST(Channel, HandsBackWhatWasNotReceived) {
  const auto hands_back = [](bool is_closed) {
    Values channel(4);
    for (int number = 1; number <= 4; ++number) expect_sent(channel, number);
    expect_received(channel, 1);
    expect_sent(channel, 5);
    if (is_closed) channel.close();
    const std::vector<Value> pending = channel.close_and_take_pending();
    check(pending.size() == 4, "close_and_take_pending() did not return the 4 values left");
    for (std::size_t i = 0; i < pending.size(); ++i) {
      check(pending[i].number() == static_cast<int>(i) + 2,
            "close_and_take_pending() did not return the oldest value first");
    }
    expect_closed(channel);
    expect_end(channel);
    check(channel.close_and_take_pending().empty(), "a value was handed back twice");
  };
  const auto scenario = [&] {
    for (const bool is_closed : {false, true}) hands_back(is_closed);
  };
  expect_every_schedule(kChannelLesson, scenario, kOneThread);
}

// Its moves are copies, so what it was moved from still owns something.
struct Copied {
  explicit Copied(std::shared_ptr<int> it) : owned(std::move(it)) {}
  Copied(const Copied&) = default;
  Copied& operator=(const Copied&) = default;

  std::shared_ptr<int> owned;
};

TEST(Channel, LetsGoOfAValueThatWasReceivedOrHandedBack) {
  const auto lets_go = [](bool is_received) {
    Channel<Copied> channel(2);
    const std::weak_ptr<int> watch = [&channel] {
      Copied value(std::make_shared<int>(1));
      check(channel.send(std::move(value)) == SendStatus::kSent, "send() refused a value");
      return value.owned;
    }();
    is_received ? (void)channel.receive() : (void)channel.close_and_take_pending();
    check(watch.expired(), "the channel still holds a value that was received or handed back");
  };
  const auto scenario = [&] {
    for (const bool is_received : {true, false}) lets_go(is_received);
  };
  expect_every_schedule(kChannelLesson, scenario, kOneThread);
}

TEST(Channel, ASenderWaitsForRoom) {
  const auto scenario = [] {
    Values channel(1);
    Thread sender([&] {
      for (int number = 1; number <= 3; ++number) expect_sent(channel, number);
      channel.close();
    });
    for (int number = 1; number <= 3; ++number) expect_received(channel, number);
    expect_end(channel);
  };
  expect_every_schedule(kChannelLesson, scenario, kTwoThreads);
}

TEST(Channel, ATrySendDoesNotWait) {
  const auto scenario = [] {
    Values channel(1);
    expect_sent(channel, 1);
    int received = 0;
    Thread receiver([&] {
      while (channel.receive()) ++received;
    });
    Value second(2);
    const SendStatus status = channel.try_send(std::move(second));
    check(status != SendStatus::kClosed, "an open channel said that it was closed");
    check((second.number() == 0) == (status == SendStatus::kSent),
          "try_send() took a value that it refused, or left one that it sent");
    channel.close();
    receiver.join();
    check(received == (status == SendStatus::kSent ? 2 : 1), "a value was lost");
  };
  expect_every_schedule(kChannelLesson, scenario, kTwoThreads);
}

TEST(Channel, ATrySendThatMeetsAnotherFindsItsRoom) {
  const auto scenario = [] {
    Values channel(2);
    const auto try_send = [&](int number) {
      check(channel.try_send(Value(number)) == SendStatus::kSent,
            "try_send() refused a value although there was room");
    };
    Thread other([&] { try_send(1); });
    try_send(2);
    other.join();
    check(channel.close_and_take_pending().size() == 2, "a value was accepted and lost");
  };
  expect_every_schedule(kChannelLesson, scenario, kTwoThreads);
}

TEST(Channel, ASendDuringACloseIsAcceptedOrRefused) {
  const auto scenario = [] {
    Values channel(1);
    Value value(1);
    SendStatus status = SendStatus::kFull;
    Thread sender([&] { status = channel.send(std::move(value)); });
    channel.close();
    const bool is_received = channel.receive().has_value();
    sender.join();
    const bool is_sent = status == SendStatus::kSent;
    check(is_sent || value.number() == 1, "a closed channel refused a value, and took it");
    check(!is_sent || is_received,
          "receive() said that the channel had ended, then send() accepted a value");
    check(is_sent || !is_received, "a value was received that send() had refused");
  };
  expect_every_schedule(kChannelLesson, scenario, kTwoThreads);
}

}  // namespace
}  // namespace your_pool
