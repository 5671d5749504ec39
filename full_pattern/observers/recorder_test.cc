#include "full_pattern/observers/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step4_shutdown/shutdown.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Clock::time_point kBegin = Clock::time_point(1h);

Clock::time_point at(std::chrono::milliseconds ms) { return kBegin + ms; }

// --- Recorder ----------------------------------------------------------------------------------

TEST(Recorder, RemembersEachJobInTheOrderOfItsMoments) {
  const Watchdog watchdog;
  const auto recorder = std::make_shared<Recorder>();
  const Clock::time_point before = Clock::now();
  Clock::time_point inside;
  WorkerPool pool(
      {.workers = 1},
      [&inside](const Job& job, const Context&) -> JobResult {
        inside = Clock::now();
        if (job.id == "bad") return std::unexpected(JobError{.message = "no"});
        return {};
      },
      recorder);
  ASSERT_EQ(pool.submit(Job{.id = "bad"}), SendStatus::kSent);
  (void)pool.shutdown({.drain = kForever});

  const Recording recording = recorder->recording();
  EXPECT_LE(recording.begin, before);
  EXPECT_EQ(recording.left_out, 0u);
  ASSERT_EQ(recording.jobs.size(), 1u);
  const JobRecord& job = recording.jobs.front();
  EXPECT_EQ(job.id, "bad");
  EXPECT_EQ(job.worker, 1);
  ASSERT_TRUE(job.submitted && job.started && job.finished);
  EXPECT_LE(before, *job.submitted);
  EXPECT_LE(*job.submitted, *job.started);
  EXPECT_LE(*job.started, inside);
  EXPECT_LE(inside, *job.finished);
  ASSERT_FALSE(job.result);
  EXPECT_EQ(job.result.error().message, "no");
}

TEST(Recorder, ShowsAJobThatStillRuns) {
  const Watchdog watchdog;
  const auto recorder = std::make_shared<Recorder>();
  Gate gate(watchdog, "the job may end");
  WorkerPool pool(
      {.workers = 2},
      [&gate](const Job&, const Context&) {
        gate.wait();
        return JobResult();
      },
      recorder);
  ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
  gate.await_arrivals(1);
  const Recording during = recorder->recording();
  ASSERT_EQ(during.jobs.size(), 1u);
  EXPECT_EQ(during.jobs.front().id, "a");
  EXPECT_TRUE(during.jobs.front().started);
  EXPECT_FALSE(during.jobs.front().finished);

  gate.open();
  (void)pool.shutdown({.drain = kForever});
  const Recording after = recorder->recording();
  ASSERT_EQ(after.jobs.size(), 1u) << "it is done, so it does not run any more";
  EXPECT_TRUE(after.jobs.front().finished);
}

TEST(Recorder, JobThatWasNeverStartedHasAnEndAlone) {
  Recorder recorder;
  recorder.job_started(1, Job{.id = "other"});
  recorder.job_finished(1, Job{.id = "other"}, {});
  recorder.job_finished(1, Job{.id = "late"}, std::unexpected(JobError{}));
  const Recording recording = recorder.recording();
  ASSERT_EQ(recording.jobs.size(), 2u);
  const JobRecord& late = recording.jobs[1];
  EXPECT_EQ(late.id, "late");
  EXPECT_FALSE(late.started) << "taken from the job before it";
  EXPECT_TRUE(late.finished);
  EXPECT_FALSE(late.submitted) << "no pool has stamped it";
  EXPECT_FALSE(late.result);
}

TEST(Recorder, KeepsTheFirstJobsUpToItsLimitAndCountsTheOthers) {
  Recorder recorder(2);
  for (const std::string id : {"a", "b", "c", "d", "e"}) {
    recorder.job_started(1, Job{.id = id});
    recorder.job_finished(1, Job{.id = id}, {});
  }
  const Recording recording = recorder.recording();
  ASSERT_EQ(recording.jobs.size(), 2u) << "also the running ones must have been forgotten";
  EXPECT_EQ(recording.jobs[0].id, "a");
  EXPECT_EQ(recording.jobs[1].id, "b");
  EXPECT_EQ(recording.left_out, 3u);
}

// --- What follows from the times -----------------------------------------------------------------

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
