// The channel under load: many threads at both ends at once. Each test accounts for every value. It
// fails if a value is lost or duplicated, or if a thread never wakes. Which schedules occur is up
// to the operating system.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "step2_worker/channel.h"
#include "step2_worker/channel_testing.h"
#include "step2_worker/channel_under_test.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::IsEmpty;

using namespace std::chrono_literals;

using Values = std::vector<int>;

// Returns value `number` of producer `producer`.
constexpr int kStride = 1'000'000;
int value_of(int producer, int number) { return producer * kStride + number; }

Values sorted(std::vector<Values> parts) {
  Values all;
  for (const Values& part : parts) all.insert(all.end(), part.begin(), part.end());
  std::ranges::sort(all);
  return all;
}

// Returns the values that are in only one of two sorted lists. The values say more than their
// number.
Values lost_or_duplicated(const Values& expected, const Values& actual) {
  Values difference;
  std::ranges::set_symmetric_difference(expected, actual, std::back_inserter(difference));
  return difference;
}

// Returns true if the values of each producer are in the order in which it sent them.
bool in_order_of_each_producer(Values values) {
  const auto producer = [](int value) { return value / kStride; };
  std::ranges::stable_sort(values, {}, producer);
  return std::ranges::is_sorted(values);
}

// 3 producers, which alternate send() and send_for(), and 3 consumers.
TEST_P(Channel, ManyProducersAndConsumersLoseAndDuplicateNothing) {
  Watchdog watchdog;
  constexpr int kThreads = 3;
  constexpr int kEach = 600;
  std::vector<Values> received(kThreads);
  Values expected;
  auto [jobs, queue] = make<int>();
  {
    std::vector<std::jthread> consumers;
    for (Values& mine : received) {
      consumers.push_back(
          watchdog.thread("consumer: for a value or the end",
                          [&watchdog, &queue, &mine] { mine = drain(watchdog, queue); }));
    }
    std::vector<std::jthread> producers;
    for (int p = 0; p < kThreads; ++p) {
      for (int i = 0; i < kEach; ++i) expected.push_back(value_of(p, i));
      producers.push_back(watchdog.thread("producer: for room", [&jobs, p] {
        for (int i = 0; i < kEach; ++i) {
          SendStatus status = SendStatus::kFull;
          while (status == SendStatus::kFull) {
            status = i % 2 == 0 ? jobs.send(value_of(p, i)) : jobs.send_for(value_of(p, i), 1us);
          }
          EXPECT_EQ(status, SendStatus::kSent);
        }
      }));
    }
    producers.clear();
    jobs.close();
  }
  EXPECT_THAT(lost_or_duplicated(expected, sorted(received)), IsEmpty());
  for (const Values& mine : received) {
    EXPECT_TRUE(in_order_of_each_producer(mine)) << "the values of one producer were reordered";
  }
  EXPECT_EQ(text(queue.stats()), text({.sent = kThreads * kEach, .received = kThreads * kEach}));
}

TEST_P(Channel, OneProducerAndOneConsumerKeepTheOrder) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test, the producer: for room or for the consumer");
  auto [jobs, queue] = make<int>();
  Values received;
  std::jthread consumer = watchdog.thread("consumer: for a value or the end",
                                          [&] { received = drain(watchdog, queue); });
  Values expected;
  for (int i = 0; i < 1000; ++i) {
    expected.push_back(i);
    EXPECT_EQ(jobs.send(int{i}), SendStatus::kSent);
  }
  jobs.close();
  consumer.join();
  EXPECT_EQ(received, expected);
}

// With one condition variable for both sides, notify_one() can wake a thread that cannot proceed,
// while the one that could sleeps forever. That needs blocked senders and blocked receivers at the
// same time, so there are more of each than places. (Not so with a capacity of 100.)
TEST_P(Channel, TwoKindsOfWaitersDoNotStallEachOther) {
  Watchdog watchdog;
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  auto [jobs, queue] = make<int>();
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.push_back(watchdog.thread("sender: for room", [&jobs] {
      for (int i = 0; i < kEach; ++i) EXPECT_EQ(jobs.send(1), SendStatus::kSent);
    }));
    threads.push_back(watchdog.thread("receiver: for a value", [&queue] {
      for (int i = 0; i < kEach; ++i) EXPECT_TRUE(queue.receive());
    }));
  }
  threads.clear();
  EXPECT_EQ(text(queue.stats()), text({.sent = kThreads * kEach, .received = kThreads * kEach}));
}

// Yields during its move, so that a move without the lock is likely to be caught.
struct Slow {
  explicit Slow(int number) : id(number) {}
  Slow(Slow&& other) : id(other.id) {
    std::this_thread::yield();
    other.id = -1;
  }
  int id;
};

// The values for which send() returned kSent, and no others, are received once or taken once.
TEST_P(Channel, EachValueIsEitherReceivedOnceOrTakenAsPending) {
  Watchdog watchdog;
  for (int round = 0; round < 5; ++round) {
    auto [jobs, queue] = make<Slow>();
    std::vector<Values> sent(2);
    std::vector<Values> out(3);
    {
      std::vector<std::jthread> threads;
      for (int p = 0; p < 2; ++p) {
        const auto index = static_cast<std::size_t>(p);
        threads.push_back(
            watchdog.thread("sender: for room or the end", [&jobs, &mine = sent[index], p] {
              int next = 0;
              while (jobs.send(Slow(value_of(p, next))) == SendStatus::kSent) {
                mine.push_back(value_of(p, next++));
              }
            }));
        threads.push_back(
            watchdog.thread("receiver: for a value or the end", [&queue, &mine = out[index]] {
              while (const auto value = queue.receive()) {
                mine.push_back(value->id);
              }
            }));
      }
      watchdog.await("10 values to be received", [&] { return queue.stats().received >= 10; });
      for (const Slow& value : jobs.close_and_take_pending()) out[2].push_back(value.id);
    }
    EXPECT_THAT(lost_or_duplicated(sorted(sent), sorted(out)), IsEmpty()) << "in round " << round;
    EXPECT_FALSE(queue.try_receive()) << "in round " << round;
  }
}

// A close after a thread has checked the queue, but before it sleeps, must still wake it.
TEST_P(Channel, NoThreadSleepsThroughAClose) {
  Watchdog watchdog;
  for (int round = 0; round < 400; ++round) {
    auto [jobs, queue] = make<int>();
    auto [full_jobs, full_queue] = make<int>();
    fill(full_jobs, capacity());
    std::atomic<int> about_to_wait = 0;
    std::jthread receiver = watchdog.thread("receiver: for the end", [&] {
      ++about_to_wait;
      EXPECT_EQ(queue.receive(), std::nullopt);
    });
    std::jthread sender = watchdog.thread("sender: for the end", [&] {
      ++about_to_wait;
      EXPECT_EQ(full_jobs.send(0), SendStatus::kClosed);
    });
    watchdog.await("both threads to be about to wait", [&] { return about_to_wait == 2; });
    jobs.close();
    full_jobs.close();
  }
}

}  // namespace
}  // namespace worker_pool
