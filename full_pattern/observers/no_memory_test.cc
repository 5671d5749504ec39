// Observers when memory runs out: the pool drops what they throw. A program of its own, because
// scarce_memory replaces operator new.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <new>
#include <string>

#include "full_pattern/observers/error_log.h"
#include "full_pattern/observers/metrics_observer.h"
#include "full_pattern/observers/recorder.h"
#include "full_pattern/observers/recording.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "testing/scarce_memory.h"

namespace worker_pool {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr const char* kLongId = "an id that is too long for the string object itself";

// Returns whether there was memory for the call.
bool succeeds_with(int allocations, const std::function<void()>& call) {
  try {
    const ScarceMemory memory(allocations);
    call();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

JobResult threw() {
  return std::unexpected(
      JobError{JobError::Kind::kThrew, "a message that is too long for the string object itself"});
}

// --- ErrorLog ------------------------------------------------------------------------------------

// The first allocation fails, then the second, and so on, until the error is kept.
TEST(ErrorLogWithoutMemory, CountsAnErrorEverywhereOrNowhere) {
  const Job job{.id = kLongId};
  const JobResult result = threw();
  ErrorLog log({});
  int failed = 0;
  while (!succeeds_with(failed, [&] { log.job_finished(1, job, result); })) {
    ++failed;
    const ErrorLog::Counts counts = log.counts();
    EXPECT_EQ(counts.all, 0u) << "with memory for " << failed - 1 << " allocations";
    EXPECT_THAT(counts.by_kind, IsEmpty()) << "with memory for " << failed - 1 << " allocations";
    EXPECT_THAT(counts.by_job, IsEmpty()) << "with memory for " << failed - 1 << " allocations";
    EXPECT_THAT(log.last(), IsEmpty()) << "with memory for " << failed - 1 << " allocations";
  }
  EXPECT_GE(failed, 4) << "two texts and two counters need memory";
  EXPECT_EQ(log.counts().all, 1u);
  EXPECT_THAT(log.counts().by_kind, UnorderedElementsAre(Pair(JobError::Kind::kThrew, 1u)));
  EXPECT_THAT(log.counts().by_job, UnorderedElementsAre(Pair(kLongId, 1u)));
  EXPECT_THAT(log.last(), SizeIs(1));
}

TEST(ErrorLogWithoutMemory, KeepsTheErrorsBefore) {
  const Job job{.id = kLongId};
  const JobResult result = threw();
  ErrorLog log({.last = 1});
  log.job_finished(1, Job{.id = "a"}, std::unexpected(JobError{}));
  int failed = 0;
  while (!succeeds_with(failed, [&] { log.job_finished(1, job, result); })) {
    ++failed;
    ASSERT_THAT(log.last(), SizeIs(1));
    EXPECT_EQ(log.last().front().job, "a");
    EXPECT_THAT(log.counts().by_job, UnorderedElementsAre(Pair("a", 1u)));
  }
  ASSERT_THAT(log.last(), SizeIs(1));
  EXPECT_EQ(log.last().front().job, kLongId);
  EXPECT_EQ(log.counts().all, 2u);
}

// --- MetricsObserver -----------------------------------------------------------------------------

TEST(MetricsObserverWithoutMemory, CountsTheWaitOfAJobOnceAndTheJobAsNeverStarted) {
  MetricsObserver observer;
  const Job job{.id = "a", .submitted = Clock::now()};
  EXPECT_FALSE(succeeds_with(0, [&] { observer.job_started(1, job); }));
  EXPECT_TRUE(succeeds_with(0, [&] { observer.job_finished(1, job, {}); }));
  const MetricsObserver::Snapshot seen = observer.snapshot();
  EXPECT_EQ(seen.succeeded, 1u);
  EXPECT_EQ(seen.running, 0u);
  EXPECT_EQ(seen.queue_wait.count(), 1u);
  EXPECT_EQ(seen.run_time.count(), 0u);
}

// --- Recorder ------------------------------------------------------------------------------------

TEST(RecorderWithoutMemory, CountsEachJobThatItCannotKeep) {
  const Job job{.id = kLongId};
  const JobResult result = threw();
  Recorder recorder;
  int failed = 0;
  while (!succeeds_with(failed, [&] { recorder.job_finished(1, job, result); })) {
    ++failed;
    EXPECT_EQ(recorder.recording().left_out, static_cast<std::uint64_t>(failed));
    EXPECT_THAT(recorder.recording().jobs, IsEmpty());
  }
  EXPECT_GE(failed, 2) << "the id and the record need memory";
  EXPECT_EQ(recorder.recording().left_out, static_cast<std::uint64_t>(failed));
  EXPECT_THAT(recorder.recording().jobs, SizeIs(1));
}

TEST(RecorderWithoutMemory, KeepsAJobWhoseStartItCouldNotNote) {
  Recorder recorder;
  const Job job{.id = kLongId};
  EXPECT_FALSE(succeeds_with(0, [&] { recorder.job_started(1, job); }));
  recorder.job_finished(1, job, {});
  const Recording recording = recorder.recording();
  ASSERT_THAT(recording.jobs, SizeIs(1));
  EXPECT_FALSE(recording.jobs.front().started);
  EXPECT_TRUE(recording.jobs.front().finished);
  EXPECT_EQ(recording.left_out, 0u);
}

}  // namespace
}  // namespace worker_pool
