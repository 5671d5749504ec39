// Memory of a fast channel of jobs: it goes back to the senders, and what a receiver holds
// meanwhile is no job. A program of its own, because scarce_memory replaces operator new.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "full_pattern/fast_channel/fast_channel.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::IsEmpty;

constexpr std::size_t kCapacity = 3;
const std::string kLongId = "an id that is too long for the string object itself";

// One sender and one receiver in turns, each with one variable.
struct Ends {
  Watchdog watchdog;
  Watchdog::Waiting note = watchdog.waiting("test: for sends and receives, none of which blocks");
  std::pair<Sender<Job>, Receiver<Job>> channel = make_fast_channel<Job>(kCapacity);
  Job mine{};
  std::optional<Job> received{};

  void send() { EXPECT_EQ(channel.first.try_send(std::move(mine)), SendStatus::kSent); }
  void receive() { EXPECT_TRUE(channel.second.receive_into(received)); }
};

void fill(Job& job) {
  job.id = kLongId;
  job.payload.assign(64, std::byte{42});
}

TEST(FastChannelMemory, ASenderThatReusesItsVariableSoonAllocatesNothing) {
  Ends ends;
  std::optional<ScarceMemory> memory;
  for (std::size_t lap = 0; lap < 5; ++lap) {
    if (lap == 2) memory.emplace(0);
    for (std::size_t i = 0; i < kCapacity; ++i) {
      fill(ends.mine);
      ends.send();
    }
    for (std::size_t i = 0; i < kCapacity; ++i) {
      ends.receive();
      EXPECT_EQ(ends.received->id, kLongId);
      EXPECT_EQ(ends.received->payload.size(), 64u);
    }
  }
}

TEST(FastChannelMemory, TheSenderSeesNothingOfAnEarlierJob) {
  Ends ends;
  std::stop_source stop;
  for (std::size_t i = 0; i < 5 * kCapacity; ++i) {
    fill(ends.mine);
    ends.mine.ctx = Context(stop.get_token()).with_timeout(std::chrono::hours(1));
    ends.mine.submitted = Clock::now();
    ends.send();
    EXPECT_THAT(ends.mine.id, IsEmpty());
    EXPECT_THAT(ends.mine.payload, IsEmpty());
    EXPECT_FALSE(ends.mine.ctx.can_end()) << "it has the context of another job";
    EXPECT_EQ(ends.mine.submitted, Clock::time_point());
    ends.receive();
  }
}

TEST(FastChannelMemory, IsThereForTheLargestCapacity) {
  EXPECT_NO_THROW((void)make_fast_channel<char>(kMaxFastCapacity));
}

TEST(FastChannelMemory, LargeMemoryIsReleased) {
  Ends ends;
  for (std::size_t i = 0; i < 5 * kCapacity; ++i) {
    ends.mine = {.id = std::string(1'000'000, 'a'), .payload = std::vector<std::byte>(1'000'000)};
    ends.send();
    ends.receive();
    EXPECT_LE(ends.mine.id.capacity(), kMaxSpareMemory);
    EXPECT_LE(ends.mine.payload.capacity(), kMaxSpareMemory);
  }
}

TEST(FastChannelMemory, ValuesThatAreLeftAreDestroyedOnce) {
  for (std::size_t sent = 0; sent <= 2 * kCapacity; ++sent) {  // the sanitizers see the rest
    Ends ends;
    for (std::size_t i = 0; i < sent; ++i) {
      if (i >= kCapacity) ends.receive();
      fill(ends.mine);
      ends.send();
    }
    EXPECT_EQ(ends.channel.first.stats().queued, std::min(sent, kCapacity));
  }
}

TEST(FastChannelMemory, RefusedJobIsUnchanged) {
  Ends ends;
  for (std::size_t i = 0; i < kCapacity; ++i) ends.send();
  fill(ends.mine);
  EXPECT_EQ(ends.channel.first.try_send(std::move(ends.mine)), SendStatus::kFull);
  EXPECT_EQ(ends.mine.id, kLongId);
  EXPECT_EQ(ends.mine.payload.size(), 64u);
}

TEST(FastChannelMemory, WhatIsLeftInTheVariableIsNoJob) {
  Ends ends;
  auto& [jobs, queue] = ends.channel;
  EXPECT_FALSE(queue.try_receive().has_value()) << "the empty channel returned a job";
  ends.send();
  ends.receive();
  jobs.close();
  EXPECT_FALSE(queue.receive().has_value()) << "the closed channel returned a job";
  EXPECT_FALSE(queue.try_receive().has_value()) << "the closed channel returned a job";
  EXPECT_FALSE(queue.receive_into(ends.received));
  EXPECT_FALSE(ends.received.has_value()) << "the variable still holds a job";
}

}  // namespace
}  // namespace worker_pool
