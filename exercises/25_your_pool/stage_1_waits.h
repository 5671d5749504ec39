// Stage 1: the channel, and the threads that wait for room or for a value.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace your_pool {
namespace {

void close(Values& channel, bool takes_back) {
  takes_back ? (void)channel.close_and_take_pending() : channel.close();
}

TEST(Channel, BothWaysToCloseWakeEverySenderThatSleeps) {
  for (const bool takes_back : {false, true}) {
    const auto scenario = [takes_back] {
      Values channel(1);
      expect_sent(channel, 1);
      std::size_t pending = 0;
      expect_woken([&] { expect_send_refused(channel); },
                   [&] {
                     if (!takes_back) return channel.close();
                     pending = channel.close_and_take_pending().size();
                   });
      check(pending == (takes_back ? 1 : 0), "value 1 was not handed back");
      if (!takes_back) expect_received(channel, 1);
      expect_end(channel);
    };
    expect_every_schedule(kChannelLesson, scenario, kExact);
  }
}

// receive() wakes only one of the senders, so the close must wake the other one.
TEST(Channel, CloseWakesEverySenderThatSleepsEvenIfThereIsRoom) {
  for (const bool takes_back : {false, true}) {
    const auto scenario = [takes_back] {
      Values channel(1);
      expect_sent(channel, 1);
      expect_woken([&] { (void)channel.send(Value(2)); },
                   [&] {
                     expect_received(channel, 1);
                     close(channel, takes_back);
                   });
    };
    expect_every_schedule(kChannelLesson, scenario, kExact);
  }
}

TEST(Channel, BothWaysToCloseWakeEveryReceiverThatSleeps) {
  for (const bool takes_back : {false, true}) {
    const auto scenario = [takes_back] {
      Values channel(1);
      expect_woken([&] { expect_end(channel); }, [&] { close(channel, takes_back); });
    };
    expect_every_schedule(kChannelLesson, scenario, kExact);
  }
}

// send() wakes only one of the receivers.
TEST(Channel, CloseWakesEveryReceiverThatSleepsEvenIfThereIsAValue) {
  for (const bool takes_back : {false, true}) {
    const auto scenario = [takes_back] {
      Values channel(1);
      expect_woken([&] { (void)channel.receive(); },
                   [&] {
                     expect_sent(channel, 1);
                     close(channel, takes_back);
                   });
    };
    expect_every_schedule(kChannelLesson, scenario, kExact);
  }
}

TEST(Channel, BothWaysToCloseWakeASenderThatIsAboutToSleep) {
  for (const bool takes_back : {false, true}) {
    const auto scenario = [takes_back] {
      Values channel(1);
      expect_sent(channel, 1);
      Thread sender([&] { expect_send_refused(channel); });
      close(channel, takes_back);
    };
    expect_every_schedule(kChannelLesson, scenario, kMoreThreads);
  }
}

TEST(Channel, CloseWakesReceiversThatAreAboutToSleep) {
  const auto scenario = [] {
    Values channel(1);
    Thread first([&] { expect_end(channel); });
    Thread second([&] { expect_end(channel); });
    channel.close();
  };
  expect_every_schedule(kChannelLesson, scenario, kMoreThreads);
}

TEST(Channel, EachValueIsReceivedByOneThread) {
  for (const bool waits : {true, false}) {
    const auto scenario = [waits] {
      Values channel(2);
      int first = 0;
      int second = 0;
      const auto receive = [&channel](int& number) {
        const std::optional<Value> value = channel.receive();
        check(value.has_value(), "receive() said that an open channel had ended");
        number = value->number();
      };
      Thread one([&] { receive(first); });
      Thread other([&] { receive(second); });
      for (const int number : {1, 2}) {
        const auto status = waits ? channel.send(Value(number)) : channel.try_send(Value(number));
        check(status == SendStatus::kSent, "an open channel with room refused a value");
      }
      one.join();
      other.join();
      check(first + second == 3 && first != 0 && second != 0,
            "the two receivers did not get one value each");
    };
    expect_every_schedule(kChannelLesson, scenario, kMoreThreads);
  }
}

TEST(Channel, EachFreePlaceAdmitsASender) {
  const auto scenario = [] {
    Values channel(2);
    expect_sent(channel, 1);
    expect_sent(channel, 2);
    Thread one([&] { expect_sent(channel, 3); });
    Thread other([&] { expect_sent(channel, 3); });
    std::this_thread::sleep_for(1h);  // both wait for room
    expect_received(channel, 1);
    expect_received(channel, 2);
    one.join();
    other.join();
    expect_received(channel, 3);
    expect_received(channel, 3);
  };
  expect_every_schedule(kChannelLesson, scenario, kExact);
}

// A try_send() may take the place for which the sender was woken. Then the sender waits again.
TEST(Channel, ATrySendMayOvertakeASender) {
  const auto scenario = [] {
    Values channel(1);
    expect_sent(channel, 1);
    Thread sender([&] { expect_sent(channel, 2); });
    std::this_thread::sleep_for(1h);  // it waits for room
    Value refused(99);                // try_send() does not wait for the sender either
    expect_refused(channel.try_send(std::move(refused)), SendStatus::kFull, refused, "full");
    expect_received(channel, 1);
    if (channel.try_send(Value(3)) == SendStatus::kFull) {
      check(channel.close_and_take_pending().size() == 1,
            "a sender waited for room, and try_send() returned kFull although the channel was "
            "empty");
      return;
    }
    std::this_thread::sleep_for(1h);  // the sender wakes up, and waits again
    expect_received(channel, 3);
    expect_received(channel, 2);
  };
  expect_every_schedule(kChannelLesson, scenario, kExact);
}

TEST(Channel, TwoSendersDoNotShareOnePlace) {
  const auto scenario = [] {
    Values channel(1);
    SendStatus first = SendStatus::kFull;
    SendStatus second = SendStatus::kFull;
    Thread one([&] { first = channel.try_send(Value(1)); });
    Thread other([&] { second = channel.send(Value(2)); });
    std::this_thread::sleep_for(1h);
    const std::size_t pending = channel.close_and_take_pending().size();
    one.join();
    other.join();
    const int sent = (first == SendStatus::kSent ? 1 : 0) + (second == SendStatus::kSent ? 1 : 0);
    if (sent != 1) fail(std::to_string(sent) + " values were accepted; the capacity is 1");
    check(pending == 1, "the value that was accepted was not handed back");
  };
  expect_every_schedule(
      kChannelLesson, scenario,
      {.max_spurious_wakeups = 0, .early_timeouts = false, .max_schedules = kSchedules});
}

// With one condition variable for both sides, notify_one() may wake the wrong one.
TEST(Channel, ANotificationReachesTheSideThatNeedsIt) {
  const auto scenario = [] {
    Values channel(1);
    const auto receive = [&] { check(channel.receive().has_value(), "a value was lost"); };
    Thread r1(receive);
    Thread r2(receive);
    Thread s1([&] { expect_sent(channel, 1); });
    Thread s2([&] { expect_sent(channel, 2); });
  };
  expect_every_schedule(kChannelLesson, scenario,
                        {.max_preemptions = 0,
                         .max_spurious_wakeups = 0,
                         .max_schedules = kSchedules,
                         .random_schedules = 50});
}

TEST(Channel, AValueIsRefusedOrHandedBack) {
  const auto scenario = [] {
    Values channel(2);
    std::size_t sent = 0;
    Thread sender([&] {
      if (channel.send(Value(1)) == SendStatus::kSent) ++sent;
      if (channel.try_send(Value(2)) == SendStatus::kSent) ++sent;
    });
    const std::size_t pending = channel.close_and_take_pending().size();
    sender.join();
    check(pending == sent, "a value was accepted, and neither received nor handed back");
  };
  expect_every_schedule(kChannelLesson, scenario, kTwoThreads);
}

TEST(Channel, AValueIsHandedBackOrReceived) {
  const auto scenario = [] {
    Values channel(2);
    expect_sent(channel, 1);
    expect_sent(channel, 2);
    int received = 0;
    Thread receiver([&] {
      while (channel.receive()) ++received;
    });
    const std::vector<Value> pending = channel.close_and_take_pending();
    receiver.join();
    check(received + static_cast<int>(pending.size()) == 2, "a value was lost, or is there twice");
  };
  expect_every_schedule(kChannelLesson, scenario, kTwoThreads);
}

}  // namespace
}  // namespace your_pool
