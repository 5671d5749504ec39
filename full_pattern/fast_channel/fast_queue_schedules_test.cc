// The queue of the fast channel under the explorer: the code that ships, with the locks, atomics
// and clock of the lab. Within the bounds of each test, no schedule loses a value or a wake-up.
//
// A load sees the newest value here, so these tests say nothing about memory orders. The tests in
// every_schedule/fast_channel_schedules.cc do.
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "full_pattern/fast_channel/fast_queue.h"
#include "step1_job/context.h"
#include "step2_worker/channel_queue.h"
#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"

namespace worker_pool::lab {
namespace {

constexpr auto kNever = Clock::time_point::max();

struct LabThreads {
  using Lock = mutex;
  using Mutex = mutex;
  using ConditionVariable = condition_variable;
  template <class T>
  using Atomic = atomic<T>;

  // Spins once: more spins would only add equivalent schedules.
  static constexpr Clock::duration kReceiversSpinFor = Clock::duration::zero();
  static constexpr Clock::duration kSendersSpinFor = Clock::duration::zero();
  static constexpr int kSpinsBeforeYield = 1;

  static Clock::time_point now() {
    return Clock::time_point(steady_clock::now().time_since_epoch());
  }
  static void pause() {}
  static void yield() {}

  template <class Predicate>
  static bool wait_until(condition_variable& changed, std::unique_lock<mutex>& lock,
                         Clock::time_point deadline, Predicate done) {
    if (deadline != kNever) {
      return changed.wait_until(lock, steady_clock::time_point(deadline.time_since_epoch()), done);
    }
    changed.wait(lock, done);
    return true;
  }
};

template <class T>
using Queue = FastQueue<T, LabThreads>;

void send(Queue<int>& queue, int value) {
  check(queue.send(std::move(value), Context()) == SendStatus::kSent, "a send was refused");
}

int receive(Queue<int>& queue) {
  const std::optional<int> value = queue.receive(kNever);
  check(value.has_value(), "the end of a queue that is open");
  return value.value_or(0);
}

void expect_all_to_hold(const Options& options, const std::function<void()>& scenario) {
  const Result result = explore(options, scenario);
  EXPECT_FALSE(result.failed) << result.verdict << "\n" << result.story;
  EXPECT_TRUE(result.exhaustive) << "after " << result.schedules << " schedules";
}

void expect_to_hold(int max_preemptions, const std::function<void()>& scenario) {
  expect_all_to_hold({.max_preemptions = max_preemptions,
                      .max_spurious_wakeups = 1,
                      .max_schedules = 1'000'000,
                      .random_schedules = 300},
                     scenario);
}

// With one place, both sides wait again and again.
TEST(FastQueueSchedules, ASenderAndAReceiverTakeTurnsAtASinglePlace) {
  expect_to_hold(1, [] {
    Queue<int> queue(1);
    thread sender("sender", [&] {
      for (int i = 1; i <= 2; ++i) send(queue, i);
    });
    for (int i = 1; i <= 2; ++i) check(receive(queue) == i, "not in the order of the sends");
    sender.join();
  });
}

// A thread that was woken and leaves a value behind wakes the next one.
TEST(FastQueueSchedules, TwoReceiversAreWokenByTwoSends) {
  expect_to_hold(1, [] {
    Queue<int> queue(2);
    int sum = 0;
    mutex sum_lock;
    const auto take_one = [&] {
      const int value = receive(queue);
      const std::lock_guard lock(sum_lock);
      sum += value;
    };
    thread first("first receiver", take_one);
    thread second("second receiver", take_one);
    send(queue, 1);
    send(queue, 2);
    first.join();
    second.join();
    check(sum == 3, "a value was lost or doubled");
  });
}

TEST(FastQueueSchedules, TwoSendersAreLetThroughByTwoReceives) {
  expect_to_hold(1, [] {
    Queue<int> queue(1);
    send(queue, 1);
    thread first("first sender", [&] { send(queue, 2); });
    thread second("second sender", [&] { send(queue, 3); });
    int sum = 0;
    for (int i = 0; i < 3; ++i) sum += receive(queue);
    first.join();
    second.join();
    check(sum == 6, "a value was lost or doubled");
  });
}

// With a capacity of four, a sender sleeps until two places are free. Finally, one must be enough.
TEST(FastQueueSchedules, ASingleFreePlaceLetsASleepingSenderThrough) {
  expect_to_hold(2, [] {
    Queue<int> queue(4);
    for (int i = 1; i <= 4; ++i) send(queue, i);
    const Clock::time_point start = LabThreads::now();
    thread sender("sender", [&] { send(queue, 5); });
    check(receive(queue) == 1, "not the oldest");
    sender.join();
    check(LabThreads::now() - start <= std::chrono::microseconds(100), "the sender is late");
  });
}

// Without delays of ready threads: the clock moves only if no thread can run.
void expect_to_hold_on_time(const std::function<void()>& scenario) {
  expect_all_to_hold({.max_preemptions = 1,
                      .max_spurious_wakeups = 0,
                      .early_timeouts = false,
                      .max_schedules = 1'000'000},
                     scenario);
}

// Virtual time, so the test does not sleep.
void pass(std::chrono::microseconds time) { this_thread::sleep_for(time); }

// One wake-up should serve many sends, but a sender waits for that at most 100 microseconds.
TEST(FastQueueSchedules, ASleepingSenderIsWokenForASinglePlaceOnlyAfterItsTimeout) {
  expect_to_hold_on_time([] {
    Queue<int> queue(4);
    for (int i = 1; i <= 4; ++i) send(queue, i);
    thread sender("sender", [&] { send(queue, 5); });
    pass(std::chrono::microseconds(10));
    (void)receive(queue);
    pass(std::chrono::microseconds(80));
    check(queue.stats().sent == 4, "woken for a single place");
    pass(std::chrono::microseconds(20));
    check(queue.stats().sent == 5, "still asleep after its timeout");
    sender.join();
  });
}

TEST(FastQueueSchedules, ASleepingSenderIsWokenAtOnceWhenHalfIsFree) {
  expect_to_hold_on_time([] {
    Queue<int> queue(4);
    for (int i = 1; i <= 4; ++i) send(queue, i);
    thread sender("sender", [&] { send(queue, 5); });
    pass(std::chrono::microseconds(10));
    (void)receive(queue);
    (void)receive(queue);
    pass(std::chrono::microseconds(1));
    check(queue.stats().sent == 5, "still asleep with half of the places free");
    sender.join();
  });
}

// Half of the places are free when the first of two sleeping senders is woken, and no longer when
// it has sent. The other one must not be woken for the place that is left, only by its own timer.
TEST(FastQueueSchedules, ASenderThatLeavesASinglePlaceBehindWakesNoOther) {
  expect_to_hold_on_time([] {
    Queue<int> queue(4);
    for (int i = 1; i <= 4; ++i) send(queue, i);
    thread first("first sender", [&] { send(queue, 5); });
    thread second("second sender", [&] { send(queue, 6); });
    pass(std::chrono::microseconds(10));
    (void)receive(queue);
    (void)receive(queue);
    pass(std::chrono::microseconds(80));
    check(queue.stats().sent >= 5, "both senders sleep with half of the places free");
    check(queue.stats().sent == 5, "the second sender was woken for a single place");
    pass(std::chrono::microseconds(20));
    check(queue.stats().sent == 6, "the second sender sleeps on after its timeout");
    first.join();
    second.join();
  });
}

// If half is free when the first one leaves, or after that, the other one is woken at once.
TEST(FastQueueSchedules, ASenderThatLeavesHalfOfThePlacesBehindWakesTheOther) {
  expect_to_hold_on_time([] {
    Queue<int> queue(4);
    for (int i = 1; i <= 4; ++i) send(queue, i);
    thread first("first sender", [&] { send(queue, 5); });
    thread second("second sender", [&] { send(queue, 6); });
    pass(std::chrono::microseconds(10));
    for (int i = 1; i <= 3; ++i) (void)receive(queue);
    pass(std::chrono::microseconds(1));
    check(queue.stats().sent == 6, "a sender sleeps with half of the places free");
    first.join();
    second.join();
  });
}

// A second sender that has just arrived and prefers two places must not keep the first one asleep.
TEST(FastQueueSchedules, ASenderThatHasWaitedIsWokenEvenWhileAnotherSpins) {
  expect_to_hold_on_time([] {
    Queue<int> queue(4);
    for (int i = 1; i <= 4; ++i) send(queue, i);
    thread first("first sender", [&] { send(queue, 5); });
    pass(std::chrono::microseconds(150));
    thread second("second sender", [&] { send(queue, 6); });
    (void)receive(queue);
    pass(std::chrono::microseconds(1));
    check(queue.stats().sent == 5, "a place is free, and no sender takes it");
    (void)receive(queue);
    first.join();
    second.join();
  });
}

// A receiver that mistakes "closed" for "closed and empty" loses what was sent before the close.
TEST(FastQueueSchedules, WhatWasSentBeforeTheCloseIsReceived) {
  expect_to_hold(2, [] {
    Queue<int> queue(1);
    thread sender("sender", [&] {
      send(queue, 1);
      queue.close();
    });
    check(receive(queue) == 1, "not what was sent");
    check(!queue.receive(kNever), "a value that was never sent");
    sender.join();
  });
}

TEST(FastQueueSchedules, CloseWakesAReceiver) {
  expect_to_hold(2, [] {
    Queue<int> queue(1);
    thread receiver("receiver",
                    [&] { check(!queue.receive(kNever), "a value that was never sent"); });
    queue.close();
    receiver.join();
  });
}

TEST(FastQueueSchedules, CloseWakesASenderOrComesTooLateForIt) {
  expect_to_hold(1, [] {
    Queue<int> queue(4);
    for (int i = 1; i <= 4; ++i) send(queue, i);
    SendStatus status = SendStatus::kFull;
    thread sender("sender", [&] { status = queue.send(5, Context()); });
    thread receiver("receiver", [&] { (void)queue.receive(kNever); });
    const std::size_t taken = queue.close_and_take_pending().size();
    sender.join();
    receiver.join();
    const std::size_t sent = status == SendStatus::kSent ? 5 : 4;
    const ChannelStats stats = queue.stats();
    check(stats.sent == sent, "the result of send() does not match the count");
    check(stats.received + taken == sent, "a value was lost or doubled");
    check(stats.queued == 0, "a value is left after the last one was taken");
  });
}

TEST(FastQueueSchedules, ASendThatGivesUpLeavesTheWakeUpToTheOther) {
  expect_to_hold(1, [] {
    Queue<int> queue(1);
    send(queue, 1);
    thread waiting("waiting sender", [&] { send(queue, 2); });
    thread hasty("hasty sender", [&] {
      int value = 3;
      const Context soon({}, LabThreads::now() + std::chrono::milliseconds(1));
      if (queue.send(std::move(value), soon) == SendStatus::kSent) (void)receive(queue);
    });
    (void)receive(queue);
    waiting.join();
    hasty.join();
  });
}

// A value with memory that goes round.
struct Parcel {
  int value = 0;
  int memory = 0;  // which one it has; 0: none
};
void recycle(Parcel& parcel) noexcept { parcel.value = 0; }
static_assert(Recyclable<Parcel>);

// An exception would leave put() after the value was moved into its slot and before it is counted.
struct MayThrowWhenRecycled {
  [[maybe_unused]] friend void recycle(MayThrowWhenRecycled&) {}
};
static_assert(!Recyclable<MayThrowWhenRecycled>);

TEST(FastQueueSchedules, MemoryGoesBackToTheSender) {
  expect_to_hold(1, [] {
    Queue<Parcel> queue(1);
    thread receiver("receiver", [&] {
      std::optional<Parcel> parcel;
      for (int number = 1; number <= 3; ++number) {
        check(queue.receive_into(parcel, kNever), "the end of a queue that is open");
        check(parcel->value == number, "not the next value");
      }
    });
    Parcel mine;
    int memories = 0;
    for (int number = 1; number <= 3; ++number) {
      if (mine.memory == 0) mine.memory = ++memories;
      mine.value = number;
      check(queue.send(std::move(mine), Context()) == SendStatus::kSent, "a send was refused");
      if (number == 1) mine = {};  // it was moved into a new slot
      check(mine.value == 0, "the sender sees the value of an earlier parcel");
    }
    check(mine.memory == 1, "the memory of the first parcel was not handed back");
    receiver.join();
  });
}

struct ThrowsOnce {
  explicit ThrowsOnce(bool& armed) : armed_(&armed) {}
  ThrowsOnce(ThrowsOnce&& other) : armed_(other.armed_) {
    if (std::exchange(*armed_, false)) throw std::runtime_error("this move fails");
  }
  bool* armed_;
};

// The woken receiver fails. The value is still queued, so the other receiver must be woken.
TEST(FastQueueSchedules, AMoveThatThrowsLeavesTheWakeUpToTheOther) {
  expect_to_hold(1, [] {
    Queue<ThrowsOnce> queue(1);
    bool armed = false;
    int received = 0;
    mutex received_lock;
    const auto take_one = [&] {
      try {
        if (!queue.receive(kNever)) return;
        const std::lock_guard lock(received_lock);
        ++received;
      } catch (const std::runtime_error&) {  // of the armed value
      }
    };
    thread first("first receiver", take_one);
    thread second("second receiver", take_one);
    check(queue.send(ThrowsOnce(armed), Context()) == SendStatus::kSent, "a send was refused");
    armed = true;
    // Closed only after the value was received, so that close() does not wake a receiver.
    while (queue.stats().queued > 0) this_thread::sleep_for(std::chrono::milliseconds(1));
    queue.close();
    first.join();
    second.join();
    check(received == 1, "the value was lost or doubled");
  });
}

// The same for a place. Both senders have waited for so long that a single place is enough.
TEST(FastQueueSchedules, ASendThatThrowsLeavesThePlaceToTheOther) {
  expect_to_hold_on_time([] {
    Queue<ThrowsOnce> queue(4);
    bool never = false;
    bool armed = false;
    const auto send_one = [&queue](bool& throws) {
      try {
        (void)queue.send(ThrowsOnce(throws), Context());
      } catch (const std::runtime_error&) {  // of the armed value
      }
    };
    for (int i = 1; i <= 4; ++i) send_one(never);
    thread first("first sender", [&] { send_one(armed); });
    thread second("second sender", [&] { send_one(armed); });
    pass(std::chrono::microseconds(150));
    armed = true;
    (void)queue.receive(kNever);
    pass(std::chrono::microseconds(1));
    check(queue.stats().sent == 5, "the other sender sleeps on beside a free place");
    first.join();
    second.join();
  });
}

}  // namespace
}  // namespace worker_pool::lab
