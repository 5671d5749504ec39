#include "full_pattern/observers/recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Clock::time_point kBegin = Clock::time_point(1h);

Clock::time_point at(std::chrono::milliseconds ms) { return kBegin + ms; }

JobRecord record(std::optional<Clock::time_point> submitted,
                 std::optional<Clock::time_point> started,
                 std::optional<Clock::time_point> finished) {
  return {.id = "x", .worker = 1, .submitted = submitted, .started = started, .finished = finished};
}

TEST(WaitingJobs, RiseWhenSubmittedAndFallWhenStarted) {
  const Recording recording{
      .begin = kBegin,
      .jobs = {record(at(0ms), at(10ms), at(30ms)), record(at(5ms), at(10ms), at(30ms)),
               record(at(20ms), at(30ms), at(40ms))}};
  EXPECT_THAT(waiting_jobs(recording, {}),
              ElementsAre(Waiting{at(0ms), 1}, Waiting{at(5ms), 2}, Waiting{at(10ms), 0},
                          Waiting{at(20ms), 1}, Waiting{at(30ms), 0}));
}

TEST(WaitingJobs, WaitUntilTheirEndWhenNeverStarted) {
  const Recording recording{.begin = kBegin, .jobs = {record(at(0ms), std::nullopt, at(7ms))}};
  EXPECT_THAT(waiting_jobs(recording, {}), ElementsAre(Waiting{at(0ms), 1}, Waiting{at(7ms), 0}));
}

TEST(WaitingJobs, WaitUntilTheyAreTakenBack) {
  ShutdownReport report{.closed_at = at(1ms), .cancelled_at = at(9ms)};
  report.not_started.push_back(Job{.id = "back", .submitted = at(2ms)});
  report.not_started.push_back(Job{.id = "unknown"});
  EXPECT_THAT(waiting_jobs({.begin = kBegin}, report),
              ElementsAre(Waiting{at(2ms), 1}, Waiting{at(9ms), 0}));
}

TEST(WaitingJobs, AreUnknownWithoutStamps) {
  EXPECT_THAT(waiting_jobs({.begin = kBegin, .jobs = {record(std::nullopt, at(1ms), at(2ms))}}, {}),
              IsEmpty());
}

TEST(WaitingJobs, AJobThatIsTakenAtOnceNeverWaits) {
  EXPECT_THAT(waiting_jobs({.begin = kBegin, .jobs = {record(at(1ms), at(1ms), at(2ms))}}, {}),
              IsEmpty());
}

TEST(EndOf, IsTheLastThingThatHappened) {
  const Recording recording{.begin = kBegin, .jobs = {record(at(0ms), at(3ms), at(5ms))}};
  EXPECT_EQ(end_of({.begin = kBegin}, {}), kBegin);
  EXPECT_EQ(end_of(recording, {}), at(5ms));
  EXPECT_EQ(end_of(recording, {.closed_at = at(2ms)}), at(5ms));
  EXPECT_EQ(end_of(recording, {.closed_at = at(6ms)}), at(6ms));
  EXPECT_EQ(end_of(recording, {.closed_at = at(2ms), .cancelled_at = at(7ms)}), at(7ms));
  EXPECT_EQ(end_of(recording, {.closed_at = at(2ms), .abandoned_at = at(8ms)}), at(8ms));
  EXPECT_EQ(end_of({.begin = kBegin, .jobs = {record({}, at(9ms), {})}}, {}), at(9ms));
}

TEST(StagesOf, AreThoseThatCame) {
  EXPECT_THAT(stages_of({}), IsEmpty()) << "there was no shutdown";
  const auto stages =
      stages_of({.closed_at = at(1ms), .cancelled_at = at(2ms), .abandoned_at = at(3ms)});
  ASSERT_EQ(stages.size(), 3u);
  EXPECT_EQ(stages[0].name, "close");
  EXPECT_EQ(stages[0].began, at(1ms));
  EXPECT_EQ(stages[1].name, "cancel");
  EXPECT_EQ(stages[1].began, at(2ms));
  EXPECT_EQ(stages[2].name, "abandon");
  EXPECT_EQ(stages[2].began, at(3ms));
}

}  // namespace
}  // namespace worker_pool
