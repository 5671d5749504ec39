// A thread that pthread_cancel() ends while it waits at a channel. POSIX.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "step2_worker/channel.h"
#include "step2_worker/channel_testing.h"
#include "step2_worker/channel_under_test.h"
#include "testing/watchdog.h"

// Elsewhere, a canceled thread may end without running destructors.
#if defined(__GLIBCXX__) && defined(__GLIBC__)

#include <pthread.h>

namespace worker_pool {
namespace {

using ::testing::Optional;

void cancel(std::jthread& thread) { EXPECT_EQ(pthread_cancel(thread.native_handle()), 0); }

TEST_P(Channel, ReceiverCanceledInItsWaitLeavesTheValuesToTheOthers) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  auto canceled = watchdog.thread("receiver that is canceled: receive() on an empty channel",
                                  [&queue] { (void)queue.receive(); });
  await_blocked_receivers(watchdog, queue, 1);
  cancel(canceled);
  canceled.join();
  EXPECT_EQ(queue.stats().blocked_receivers, 0u) << "after the canceled thread has exited";

  std::optional<int> received;
  auto other = watchdog.thread("another receiver: for the value that was sent after it blocked",
                               [&received, &queue] { received = queue.receive(); });
  await_blocked_receivers(watchdog, queue, 1);
  EXPECT_EQ(jobs.try_send(1), SendStatus::kSent);
  other.join();
  EXPECT_THAT(received, Optional(1));
}

TEST_P(Channel, SenderCanceledInItsWaitLeavesTheRoomToTheOthers) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  auto canceled = watchdog.thread("sender that is canceled: send() on a full channel",
                                  [&jobs] { (void)jobs.send(-1); });
  await_blocked_senders(watchdog, jobs, 1);
  cancel(canceled);
  canceled.join();
  EXPECT_EQ(jobs.stats().blocked_senders, 0u) << "after the canceled thread has exited";

  auto other =
      watchdog.thread("another sender: for the room that was made after it blocked",
                      [&jobs] { EXPECT_EQ(jobs.send(capacity() + 1), SendStatus::kSent); });
  await_blocked_senders(watchdog, jobs, 1);
  EXPECT_THAT(queue.try_receive(), Optional(1));
  other.join();
  EXPECT_EQ(take_queued(queue), numbers(2, capacity() + 1)) << "the canceled thread's value is -1";
}

// Either of the two is woken for the value. If it is the canceled one, and it ends without taking
// the value, the other one must be woken.
TEST_P(Channel, CancelThatRacesWithASendLeavesTheValueToTheOther) {
  constexpr int kRounds = 100;
  Watchdog watchdog;
  for (int round = 1; round <= kRounds; ++round) {
    auto [jobs, queue] = make<int>();
    std::atomic<int> sum = 0;
    const auto receive_one = [&sum, &queue] { sum += queue.receive().value_or(0); };
    auto canceled = watchdog.thread("receiver that is canceled: receive()", receive_one);
    auto other = watchdog.thread("another receiver: receive()", receive_one);
    await_blocked_receivers(watchdog, queue, 2);
    const bool cancel_first = round % 2 == 0;
    if (cancel_first) cancel(canceled);
    EXPECT_EQ(jobs.try_send(int(round)), SendStatus::kSent);
    if (!cancel_first) cancel(canceled);
    watchdog.await("one of the two receivers to receive the value",
                   [&sum, round] { return sum == round; });
    jobs.close();
  }
}

}  // namespace
}  // namespace worker_pool

#else

namespace worker_pool {
namespace {

TEST_P(Channel, EndOfAWaitingThreadIsNotSupportedHere) {
  GTEST_SKIP() << "pthread_cancel() may end the program";
}

}  // namespace
}  // namespace worker_pool

#endif
