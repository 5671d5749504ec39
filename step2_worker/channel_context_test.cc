// Sender::send() with a context: what ends its wait for room, what it returns, who keeps the value,
// and that other senders miss nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
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

using ::testing::Optional;
using ::testing::Pointee;

using namespace std::chrono_literals;

constexpr int kRounds = 50;  // of the tests in which two things happen at the same time

// Calls each function on a thread of its own, all at about the same time.
void at_once(const Watchdog& watchdog, const std::vector<std::function<void()>>& functions) {
  std::vector<std::jthread> threads;
  for (const auto& function : functions) {
    threads.push_back(watchdog.thread("one of several calls at the same time", function));
  }
}

// --- While it waits for room ---------------------------------------------------------------------

TEST_P(Channel, ACancelEndsASendThatWaitsForRoomAndTheValueIsKept) {
  Watchdog watchdog;
  auto [jobs, queue] = make<std::unique_ptr<int>>();
  fill(jobs, capacity());
  std::stop_source stop;
  const Context ctx(stop.get_token());
  std::jthread sender = watchdog.thread("sender: send() until canceled", [&] {
    auto value = std::make_unique<int>(7);
    EXPECT_EQ(jobs.send(std::move(value), ctx), SendStatus::kContextEnded);
    EXPECT_THAT(value, Pointee(7)) << "send() moved from a value that it refused";
  });
  await_blocked_senders(watchdog, jobs, 1);
  stop.request_stop();
  sender.join();
  EXPECT_EQ(ctx.err(), CancelReason::kCancelled);
  EXPECT_EQ(jobs.stats().blocked_senders, 0u);
  EXPECT_EQ(numbers(take_queued(queue)), numbers(1, capacity()));
}

TEST_P(Channel, ADeadlineEndsASendThatWaitsForRoomAndTheValueIsKept) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for the deadline to end send()");
  auto [jobs, queue] = make<std::unique_ptr<int>>();
  fill(jobs, capacity());
  std::stop_source never_requested;
  const Clock::time_point start = Clock::now();
  for (const Context& ctx : {Context().with_deadline(start + 20ms),
                             Context(never_requested.get_token(), start + 30ms)}) {
    auto value = std::make_unique<int>(7);
    EXPECT_EQ(jobs.send(std::move(value), ctx), SendStatus::kContextEnded);
    EXPECT_GE(Clock::now(), ctx.deadline()) << "refused early";
    EXPECT_EQ(ctx.err(), CancelReason::kDeadlineExceeded);
    EXPECT_THAT(value, Pointee(7)) << "send() moved from a value that it refused";
  }
  EXPECT_EQ(numbers(take_queued(queue)), numbers(1, capacity()));
}

TEST_P(Channel, RoomLetsASendWithAContextThrough) {
  Watchdog watchdog;
  std::stop_source stop;
  for (const Context& ctx : {Context(), Context(stop.get_token()), Context().with_timeout(1h),
                             Context(stop.get_token()).with_timeout(1h)}) {
    auto [jobs, queue] = make<int>();
    fill(jobs, capacity());
    std::jthread sender = watchdog.thread("sender: send() with a context", [&] {
      EXPECT_EQ(jobs.send(capacity() + 1, ctx), SendStatus::kSent);
    });
    await_blocked_senders(watchdog, jobs, 1);
    EXPECT_THAT(queue.try_receive(), Optional(1));
    sender.join();
    EXPECT_EQ(take_queued(queue), numbers(2, capacity() + 1));
  }
}

TEST_P(Channel, CloseEndsASendWithAContextAndSaysClosed) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  std::stop_source stop;
  std::jthread sender = watchdog.thread("sender: send() with a context", [&] {
    EXPECT_EQ(jobs.send(0, Context(stop.get_token()).with_timeout(1h)), SendStatus::kClosed);
  });
  await_blocked_senders(watchdog, jobs, 1);
  jobs.close();
}

// The waits of the three senders differ, and all end with the same stop source.
TEST_P(Channel, ACancelWakesEverySenderThatWaitsWithItAndNoOther) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  std::stop_source stop;
  const Context ctx(stop.get_token());
  std::vector<std::jthread> canceled;
  const auto start_one = [&](std::function<SendStatus()> send) {
    canceled.push_back(watchdog.thread("sender: of three that are canceled",
                                       [send] { EXPECT_EQ(send(), SendStatus::kContextEnded); }));
  };
  start_one([&] { return jobs.send(0, ctx); });
  start_one([&] { return jobs.send(0, ctx.with_timeout(1h)); });
  start_one([&] { return jobs.send_for(0, 1h, ctx); });
  std::jthread other = watchdog.thread("sender: the one that is not canceled", [&] {
    EXPECT_EQ(jobs.send(capacity() + 1), SendStatus::kSent);
  });
  await_blocked_senders(watchdog, jobs, 4);
  stop.request_stop();
  canceled.clear();
  EXPECT_EQ(jobs.stats().blocked_senders, 1u) << "the cancel ended the wait of the other sender";

  EXPECT_THAT(queue.try_receive(), Optional(1));
  other.join();
  EXPECT_EQ(take_queued(queue), numbers(2, capacity() + 1));
}

// --- Two things at the same time -----------------------------------------------------------------

TEST_P(Channel, RoomAtTheMomentOfTheCancelHasExactlyOneOutcome) {
  Watchdog watchdog;
  for (int round = 0; round < kRounds; ++round) {
    auto [jobs, queue] = make<std::unique_ptr<int>>();
    fill(jobs, capacity());
    std::stop_source stop;
    auto value = std::make_unique<int>(capacity() + 1);
    SendStatus status = SendStatus::kFull;
    std::jthread sender = watchdog.thread("sender: send() until canceled", [&] {
      status = jobs.send(std::move(value), Context(stop.get_token()));
    });
    await_blocked_senders(watchdog, jobs, 1);
    at_once(watchdog, {[&] { stop.request_stop(); },
                       [&] { EXPECT_THAT(queue.try_receive(), Optional(Pointee(1))); }});
    sender.join();

    const bool is_sent = status == SendStatus::kSent;
    EXPECT_TRUE(is_sent || status == SendStatus::kContextEnded);
    EXPECT_EQ(value == nullptr, is_sent) << "the value is not where the status says";
    EXPECT_EQ(numbers(take_queued(queue)), numbers(2, capacity() + (is_sent ? 1 : 0)));
  }
}

TEST_P(Channel, CloseAtTheMomentOfTheCancelKeepsTheValue) {
  Watchdog watchdog;
  for (int round = 0; round < kRounds; ++round) {
    auto [jobs, queue] = make<std::unique_ptr<int>>();
    fill(jobs, capacity());
    std::stop_source stop;
    std::jthread sender = watchdog.thread("sender: send() until canceled or closed", [&] {
      auto value = std::make_unique<int>(7);
      EXPECT_NE(jobs.send(std::move(value), Context(stop.get_token())), SendStatus::kSent);
      EXPECT_THAT(value, Pointee(7));
    });
    await_blocked_senders(watchdog, jobs, 1);
    at_once(watchdog, {[&] { stop.request_stop(); }, [&] { jobs.close(); }});
    sender.join();
    EXPECT_EQ(numbers(drain(watchdog, queue)), numbers(1, capacity()));
  }
}

// One place becomes free for two senders while one of them is canceled. If it takes the wake-up and
// not the place, the other sender must be woken: the watchdog reports one that sleeps on.
TEST_P(Channel, ACanceledSenderLeavesTheRoomToTheOther) {
  Watchdog watchdog;
  for (int round = 0; round < kRounds; ++round) {
    auto [jobs, queue] = make<int>();
    fill(jobs, capacity());
    std::stop_source stop;
    SendStatus status = SendStatus::kFull;
    std::jthread canceled = watchdog.thread("sender: the one that is canceled", [&] {
      status = jobs.send(capacity() + 1, Context(stop.get_token()));
    });
    std::jthread other = watchdog.thread(
        "sender: the other one", [&] { EXPECT_EQ(jobs.send(capacity() + 2), SendStatus::kSent); });
    await_blocked_senders(watchdog, jobs, 2);
    at_once(watchdog,
            {[&] { stop.request_stop(); }, [&] { EXPECT_THAT(queue.try_receive(), Optional(1)); }});
    canceled.join();
    if (status == SendStatus::kSent) {
      EXPECT_TRUE(queue.try_receive());
    }
    other.join();
    EXPECT_EQ(jobs.stats().queued, static_cast<std::size_t>(capacity()));
  }
}

// --- Before, instead of and after the wait -------------------------------------------------------

TEST_P(Channel, AContextThatHasEndedIsRefusedEvenIfThereIsRoom) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for a send that must be refused at once");
  auto [jobs, queue] = make<std::unique_ptr<int>>();
  std::stop_source stop;
  stop.request_stop();
  const auto expect_refused = [&] {
    for (const Context& ctx : {Context(stop.get_token()), Context().with_timeout(0s)}) {
      auto value = std::make_unique<int>(7);
      EXPECT_EQ(jobs.send(std::move(value), ctx), SendStatus::kContextEnded);
      EXPECT_EQ(jobs.send_for(std::move(value), 1h, ctx), SendStatus::kContextEnded);
      EXPECT_THAT(value, Pointee(7)) << "send() moved from a value that it refused";
    }
  };
  expect_refused();
  EXPECT_EQ(jobs.stats().sent, 0u);
  fill(jobs, capacity());
  expect_refused();
  jobs.close();
  expect_refused();
  EXPECT_EQ(numbers(drain(watchdog, queue)), numbers(1, capacity()));
}

TEST_P(Channel, AClosedChannelSaysClosedWhileTheContextGoesOn) {
  Watchdog watchdog;
  auto [jobs, queue] = make<int>();
  jobs.close();
  std::stop_source stop;
  EXPECT_EQ(jobs.send(1, Context(stop.get_token()).with_timeout(1h)), SendStatus::kClosed);
}

TEST_P(Channel, ATimedSendSaysWhoseTimeIsUp) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("test: for a timeout of 1 ms");
  auto [jobs, queue] = make<int>();
  fill(jobs, capacity());
  EXPECT_EQ(jobs.send_for(0, 1ms, Context().with_timeout(1h)), SendStatus::kFull);
  EXPECT_EQ(jobs.send_for(0, 0ms, Context().with_timeout(1h)), SendStatus::kFull);
  EXPECT_EQ(jobs.send_for(0, 1h, Context().with_timeout(1ms)), SendStatus::kContextEnded);
}

struct Task {
  std::unique_ptr<int> number;
  Context ctx;
};

// The move of the value also moves the context, so the channel must not use it afterwards.
TEST_P(Channel, TheContextMayBeAMemberOfTheValue) {
  Watchdog watchdog;
  auto [jobs, queue] = make<Task>();
  std::stop_source stop;
  Task waiting{std::make_unique<int>(7), Context(stop.get_token())};
  for (int i = 1; i <= capacity(); ++i) {
    Task task{std::make_unique<int>(i), Context(stop.get_token()).with_timeout(1h)};
    EXPECT_EQ(jobs.send(std::move(task), task.ctx), SendStatus::kSent);
  }
  std::jthread sender = watchdog.thread("sender: send() until canceled", [&] {
    EXPECT_EQ(jobs.send(std::move(waiting), waiting.ctx), SendStatus::kContextEnded);
  });
  await_blocked_senders(watchdog, jobs, 1);
  stop.request_stop();
  sender.join();
  EXPECT_THAT(waiting.number, Pointee(7));
  EXPECT_TRUE(waiting.ctx.err());
  EXPECT_TRUE(queue.try_receive()->ctx.err()) << "the value came without its context";
}

// A callback that send() left behind would use a channel that no longer exists.
TEST_P(Channel, ACancelAfterTheSendTouchesNothing) {
  Watchdog watchdog;
  std::stop_source stop;
  {
    auto [jobs, queue] = make<int>();
    for (int i = 1; i <= capacity(); ++i) {
      EXPECT_EQ(jobs.send(int{i}, Context(stop.get_token())), SendStatus::kSent);
    }
    EXPECT_EQ(jobs.send_for(0, 1ms, Context(stop.get_token())), SendStatus::kFull);
  }
  EXPECT_TRUE(stop.request_stop());
}

}  // namespace
}  // namespace worker_pool
