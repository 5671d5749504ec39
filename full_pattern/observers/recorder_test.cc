#include "full_pattern/observers/recorder.h"

#include <gtest/gtest.h>

#include <expected>
#include <memory>
#include <string>

#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step4_shutdown/shutdown.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

TEST(Recorder, RecordsTheTimesOfEachJobInOrder) {
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
  Gate gate(watchdog, "the job may finish");
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
  ASSERT_EQ(after.jobs.size(), 1u) << "a finished job must not be listed as running, too";
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
  EXPECT_FALSE(late.started) << "this is the start of the job before it";
  EXPECT_TRUE(late.finished);
  EXPECT_FALSE(late.submitted) << "only a pool sets this time";
  EXPECT_FALSE(late.result);
}

TEST(Recorder, KeepsTheFirstJobsUpToItsLimitAndCountsTheOthers) {
  Recorder recorder(2);
  for (const std::string id : {"a", "b", "c", "d", "e"}) {
    recorder.job_started(1, Job{.id = id});
    recorder.job_finished(1, Job{.id = id}, {});
  }
  const Recording recording = recorder.recording();
  ASSERT_EQ(recording.jobs.size(), 2u) << "a job that was left out must not be listed as running";
  EXPECT_EQ(recording.jobs[0].id, "a");
  EXPECT_EQ(recording.jobs[1].id, "b");
  EXPECT_EQ(recording.left_out, 3u);
}

}  // namespace
}  // namespace worker_pool
