// How long the threads of a fast channel spin, and how often: the queue that ships, with a clock
// that the test sets. There is one thread, so each wait that the test begins has to end by itself.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "full_pattern/fast_channel/fast_queue.h"
#include "full_pattern/fast_channel/threads.h"
#include "step1_job/context.h"
#include "step2_worker/channel_queue.h"

namespace worker_pool {
namespace {

using std::chrono::microseconds;

// What the one thread has done in its current wait.
struct Wait {
  Clock::time_point now{};
  int pauses = 0;
  int sleeps = 0;
  Clock::time_point asleep_at{};  // the first time, ...
  Clock::duration first_sleep{};  // ... and for how long
  std::function<void()> in_a_pause = [] {};
};

// The functions of CountedThreads are static, so this is, too.
Wait& wait() {
  static Wait the_only;
  return the_only;
}

// The times and numbers of StdThreads. The clock moves by a microsecond each time it is read, and
// a sleep ends at its deadline, at once.
struct CountedThreads : StdThreads {
  static Clock::time_point now() { return wait().now += microseconds(1); }
  static void yield() {}
  static void pause() {
    ++wait().pauses;
    wait().in_a_pause();
  }

  template <class Predicate>
  static bool wait_until(std::condition_variable&, std::unique_lock<std::mutex>&,
                         Clock::time_point deadline, Predicate done) {
    if (++wait().sleeps == 1) {
      wait().asleep_at = wait().now;
      wait().first_sleep = deadline - wait().now;
    }
    wait().now = deadline;
    return done();
  }
};

using Queue = FastQueue<int, CountedThreads>;

Context within_a_second() { return Context().with_deadline(wait().now + std::chrono::seconds(1)); }

// Begins a wait, and returns when it began.
Clock::time_point begin_wait() {
  wait() = {.now = wait().now};
  return wait().now;
}

// Receives from an empty queue, for a second. Returns whether the thread spun.
bool receive_in_vain(Queue& queue) {
  begin_wait();
  EXPECT_EQ(queue.receive(within_a_second().deadline()), std::nullopt);
  EXPECT_GT(wait().sleeps, 0) << "it did not sleep, although nothing came for a second";
  return wait().pauses > 0;
}

// The clock is read a few times more.
void expect_spun_for(Clock::duration wanted, Clock::time_point begin) {
  EXPECT_GT(wait().pauses, 0) << "it did not spin";
  EXPECT_GE(wait().asleep_at - begin, wanted);
  EXPECT_LE(wait().asleep_at - begin, wanted + microseconds(5));
}

TEST(Spinning, AReceiverSpinsForFiftyMicroseconds) {
  Queue queue(1);
  const Clock::time_point begin = wait().now;
  EXPECT_TRUE(receive_in_vain(queue));
  expect_spun_for(microseconds(50), begin);
}

TEST(Spinning, ASenderSpinsForTwentyMicrosecondsAndSleepsForAHundredAtFirst) {
  Queue queue(1);
  ASSERT_EQ(queue.send(1, Context()), SendStatus::kSent);
  const Clock::time_point begin = begin_wait();
  EXPECT_EQ(queue.send(2, within_a_second()), SendStatus::kFull);
  expect_spun_for(microseconds(20), begin);
  EXPECT_EQ(wait().first_sleep, microseconds(100));
  EXPECT_EQ(wait().sleeps, 2);
}

TEST(Spinning, AThreadSpinsLessOftenTheMoreOftenItFails) {
  Queue queue(1);
  std::vector<int> spun;
  for (int i = 1; i <= 64; ++i) {
    if (receive_in_vain(queue)) spun.push_back(i);
  }
  EXPECT_EQ(spun, (std::vector{1, 2, 4, 8, 16, 32, 48, 64}));
}

TEST(Spinning, AThreadSpinsEachTimeAgainOnceThatHasHelped) {
  Queue queue(1);
  for (int i = 1; i < 16; ++i) receive_in_vain(queue);
  begin_wait();
  wait().in_a_pause = [&] { EXPECT_EQ(queue.send(1, Context()), SendStatus::kSent); };
  EXPECT_EQ(queue.receive(within_a_second().deadline()), 1);
  EXPECT_EQ(wait().pauses, 1) << "the 16th wait should spin, and see the value at once";
  EXPECT_EQ(wait().sleeps, 0);
  EXPECT_TRUE(receive_in_vain(queue)) << "spinning has just helped, but the next wait did not spin";
}

}  // namespace
}  // namespace worker_pool
