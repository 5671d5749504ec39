#include "step1_job/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <expected>
#include <ostream>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "step1_job/context.h"

namespace worker_pool {

// Makes a failure print the kind by name. GoogleTest finds it by its name.
void PrintTo(JobError::Kind kind, std::ostream* out) { *out << to_string(kind); }

namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kByte = std::byte{42};

// A growing std::vector moves its elements only if their move cannot throw. Otherwise it would copy
// every payload.
static_assert(std::is_nothrow_move_constructible_v<Job>);
static_assert(std::is_nothrow_move_assignable_v<Job>);

TEST(Job, HasNothingAndNeverEndsByDefault) {
  const Job job;
  EXPECT_THAT(job.id, IsEmpty());
  EXPECT_THAT(job.payload, IsEmpty());
  EXPECT_FALSE(job.ctx.err().has_value()) << "a job without a context has ended";
  EXPECT_TRUE(job.ctx.deadline() == Clock::time_point::max());
}

TEST(Job, MayNameOnlyWhatItNeeds) {
  const Job job{.id = "a"};
  EXPECT_EQ(job.id, "a");
  EXPECT_THAT(job.payload, IsEmpty());
}

TEST(Job, ASwapExchangesEveryMember) {
  std::stop_source stop;
  const Clock::time_point now = Clock::now();
  Job a{.id = "a", .payload = {kByte}, .ctx = Context(stop.get_token()), .submitted = now};
  Job b;
  swap(a, b);
  EXPECT_THAT(a.id, IsEmpty());
  EXPECT_THAT(a.payload, IsEmpty());
  EXPECT_FALSE(a.ctx.can_end());
  EXPECT_TRUE(a.submitted == Clock::time_point());
  EXPECT_EQ(b.id, "a");
  EXPECT_THAT(b.payload, ElementsAre(kByte));
  EXPECT_TRUE(b.ctx.can_end());
  EXPECT_TRUE(b.submitted == now);
}

TEST(Job, OwnsItsPayload) {
  Job job;
  {
    std::vector<std::byte> source(1024, kByte);
    job.payload = source;
    source.assign(source.size(), std::byte{0});
  }
  EXPECT_THAT(job.payload, SizeIs(1024));
  EXPECT_THAT(job.payload, Each(kByte)) << "the payload changed with its source";
}

TEST(Job, CopyHasAPayloadOfItsOwn) {
  Job job{.id = "a", .payload = {kByte}};
  const Job copy = job;
  job.payload[0] = std::byte{0};
  EXPECT_THAT(copy.payload, Each(kByte)) << "the copy changed with its original";
}

TEST(Job, MoveTakesThePayloadAlongWithoutACopy) {
  Job job{.id = "a", .payload = std::vector(1024, kByte)};
  const std::byte* const bytes = job.payload.data();

  Job moved = std::move(job);
  EXPECT_EQ(moved.payload.data(), bytes) << "the move constructor copied the payload";
  Job assigned;
  assigned = std::move(moved);
  EXPECT_EQ(assigned.payload.data(), bytes) << "the move assignment copied the payload";

  EXPECT_EQ(assigned.id, "a");
  EXPECT_THAT(assigned.payload, SizeIs(1024));
}

TEST(Job, ItsContextTravelsWithIt) {
  std::stop_source stop;
  Job job{.id = "a", .ctx = Context(stop.get_token()).with_timeout(1h)};
  const Clock::time_point deadline = job.ctx.deadline();
  const Job moved = std::move(job);
  EXPECT_TRUE(moved.ctx.deadline() == deadline) << "the deadline did not move with the job";
  stop.request_stop();
  EXPECT_TRUE(moved.ctx.err() == CancelReason::kCancelled)
      << "the stop token did not move with the job";
}

TEST(JobError, IsAFailureWithoutAMessageByDefault) {
  const JobError error;
  EXPECT_EQ(error.kind, JobError::Kind::kFailed);
  EXPECT_EQ(error.message, "");
}

TEST(JobError, EveryKindHasAText) {
  EXPECT_EQ(to_string(JobError::Kind::kFailed), "failed");
  EXPECT_EQ(to_string(JobError::Kind::kThrew), "threw");
  EXPECT_EQ(to_string(JobError::Kind::kCancelled), "cancelled");
  EXPECT_EQ(to_string(JobError::Kind::kDeadlineExceeded), "deadline exceeded");
  EXPECT_EQ(to_string(JobError::Kind::kShutDown), "shut down");
}

TEST(Recycle, KeepsTheMemoryAndNothingElse) {
  std::stop_source stop;
  Job job{.id = std::string(100, 'a'),
          .payload = std::vector(1'000, kByte),
          .ctx = Context(stop.get_token()),
          .submitted = Clock::now()};
  const void* const id = job.id.data();
  const void* const payload = job.payload.data();
  recycle(job);
  EXPECT_THAT(job.id, IsEmpty());
  EXPECT_THAT(job.payload, IsEmpty());
  EXPECT_FALSE(job.ctx.can_end()) << "it still has its context";
  EXPECT_EQ(job.submitted, Clock::time_point());
  job.id.assign(100, 'b');
  job.payload.assign(1'000, kByte);
  EXPECT_EQ(job.id.data(), id);
  EXPECT_EQ(job.payload.data(), payload);
}

TEST(Recycle, KeepsNoMemoryAboveTheLimit) {
  Job job{.id = std::string(kMaxSpareMemory + 1, 'a'),
          .payload = std::vector(kMaxSpareMemory + 1, kByte)};
  recycle(job);
  EXPECT_LE(job.id.capacity(), kMaxSpareMemory);
  EXPECT_EQ(job.payload.capacity(), 0u);
}

TEST(Recycle, KeepsNoMemoryAboveTheLimitThatHoldsAShortText) {
  Job job;
  job.id.reserve(100 * kMaxSpareMemory);
  job.payload.reserve(100 * kMaxSpareMemory);
  job.id = "a";
  job.payload = {kByte};
  recycle(job);
  EXPECT_LE(job.id.capacity(), kMaxSpareMemory);
  EXPECT_EQ(job.payload.capacity(), 0u);
}

TEST(Recycle, KeepsMemoryUpToTheLimit) {
  Job job;
  job.id.reserve(kMaxSpareMemory);
  job.payload.reserve(kMaxSpareMemory);
  const std::size_t reserved = job.id.capacity();  // some libraries round it up
  recycle(job);
  EXPECT_EQ(job.payload.capacity(), kMaxSpareMemory);
  if (reserved <= kMaxSpareMemory) {
    EXPECT_EQ(job.id.capacity(), reserved);
  }
}

TEST(JobError, AnInvalidKindHasATextToo) {
  EXPECT_EQ(to_string(static_cast<JobError::Kind>(200)), "unknown");
}

TEST(JobError, EndedGivesTheReasonOfTheContext) {
  const JobError cancelled = ended(CancelReason::kCancelled);
  EXPECT_EQ(cancelled.kind, JobError::Kind::kCancelled);
  EXPECT_EQ(cancelled.message, "cancelled");

  const JobError late = ended(CancelReason::kDeadlineExceeded);
  EXPECT_EQ(late.kind, JobError::Kind::kDeadlineExceeded);
  EXPECT_EQ(late.message, "deadline exceeded");

  const JobError shut_down = ended(CancelReason::kShutDown);
  EXPECT_EQ(shut_down.kind, JobError::Kind::kShutDown);
  EXPECT_EQ(shut_down.message, "shut down");
}

TEST(JobResult, IsSuccessByDefault) { EXPECT_TRUE(JobResult().has_value()); }

TEST(JobHandler, MayEndAJobWithTheReasonOfItsContext) {
  const JobHandler handler = [](const Job&, const Context& ctx) -> JobResult {
    if (const auto why = ctx.err()) return std::unexpected(ended(*why));
    return {};
  };
  EXPECT_TRUE(handler(Job{}, Context()).has_value());

  const JobResult late = handler(Job{}, Context().with_timeout(-1h));
  ASSERT_FALSE(late.has_value()) << "a job past its deadline succeeded";
  EXPECT_EQ(late.error().kind, JobError::Kind::kDeadlineExceeded);
}

}  // namespace
}  // namespace worker_pool
