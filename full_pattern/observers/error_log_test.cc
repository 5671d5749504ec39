#include "full_pattern/observers/error_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step4_shutdown/shutdown.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

#if defined(__GLIBCXX__) && defined(__GLIBC__)
#include <pthread.h>
#endif

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using Kind = JobError::Kind;

JobResult error(Kind kind, std::string message) {
  return std::unexpected(JobError{kind, std::move(message)});
}

void fail(ErrorLog& log, const std::string& id, const std::string& message = "no") {
  log.job_finished(1, Job{.id = id}, error(Kind::kFailed, message));
}

std::vector<std::string> jobs_of(const std::vector<ErrorLog::Entry>& entries) {
  std::vector<std::string> ids;
  for (const ErrorLog::Entry& entry : entries) ids.push_back(entry.job);
  return ids;
}

std::uint64_t sum_of(const auto& counts) {
  std::uint64_t sum = 0;
  for (const auto& [of, count] : counts) sum += count;
  return sum;
}

// --- Lines -------------------------------------------------------------------------------------

TEST(ErrorLogLine, SaysWhoWhatAndWhyAndTheKindOnce) {
  EXPECT_EQ(to_line({"a", 2, {Kind::kFailed, "disk full"}}), "Worker 2: job a failed: disk full");
  EXPECT_EQ(to_line({"a", 2, {Kind::kThrew, "bad index"}}), "Worker 2: job a threw: bad index");
  EXPECT_EQ(to_line({"a", 2, {Kind::kCancelled, "cancelled before it started"}}),
            "Worker 2: job a: cancelled before it started");
  EXPECT_EQ(to_line({"a", 2, ended(CancelReason::kDeadlineExceeded)}),
            "Worker 2: job a: deadline exceeded");
  EXPECT_EQ(to_line({"a", 2, ended(CancelReason::kShutDown)}), "Worker 2: job a: shut down");
  EXPECT_EQ(to_line({"a", 2, {Kind::kCancelled, "gave up"}}), "Worker 2: job a cancelled: gave up");
  EXPECT_EQ(to_line({"a", 2, {Kind::kFailed, ""}}), "Worker 2: job a failed");
}

TEST(ErrorLogLine, IsOneLineWhateverTheTextsContain) {
  EXPECT_EQ(to_line({"a\nWorker 1: job b", 2, {Kind::kFailed, "x\r\n\ty"}}),
            "Worker 2: job a\\nWorker 1: job b failed: x\\r\\n\\ty");
  EXPECT_EQ(to_line({"a", 2, {Kind::kFailed, std::string("\0\x1b[31m\x1f\x7f", 8)}}),
            "Worker 2: job a failed: \\x00\\x1b[31m\\x1f\\x7f");
  EXPECT_EQ(to_line({"a", 2, {Kind::kFailed, "a\\nb"}}), "Worker 2: job a failed: a\\\\nb")
      << "without the second backslash, this would read as a line break";
  EXPECT_EQ(to_line({"a\u0085b", 2, {Kind::kFailed, "\u009b31m \x9b\xff"}}),
            "Worker 2: job a\\xc2\\x85b failed: \\xc2\\x9b31m \\x9b\\xff");
  EXPECT_EQ(to_line({"\u00e4 ~", 2, {Kind::kFailed, "\u20ac"}}),
            "Worker 2: job \u00e4 ~ failed: \u20ac")
      << "other characters stay as they are";
}

TEST(ErrorLogLine, ShortenedKeepsWhatFitsAndMarksTheRest) {
  EXPECT_EQ(shortened("", 0), "");
  EXPECT_EQ(shortened("abc", 4), "abc");
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcdef", 5), "ab...");
  EXPECT_EQ(shortened("abcd", 3), "...");
  EXPECT_EQ(shortened("abc", 2), "..");
  EXPECT_EQ(shortened("abc", 0), "");
}

TEST(ErrorLogLine, ShortenedDoesNotCutACharacterInHalf) {
  const std::string text = "a\u00e4\u20ac\U0001F600z";  // characters of 1, 2, 3, 4 and 1 bytes
  ASSERT_EQ(text.size(), 11u);
  const std::vector<std::size_t> kept = {0, 1, 1, 3, 3, 3, 6, 6};
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(shortened(text, i + 3), text.substr(0, kept[i]) + "...") << "at " << i + 3;
  }
}

TEST(ErrorLogLine, ShortenedCutsWhatIsNoUtf8AtTheLimit) {
  const std::string no_utf8(10, '\x80');
  for (const std::size_t bytes : {3u, 4u, 9u}) {
    EXPECT_EQ(shortened(no_utf8, bytes), no_utf8.substr(0, bytes - 3) + "...") << "at " << bytes;
  }
  EXPECT_EQ(shortened("a" + no_utf8, 9), "a" + no_utf8.substr(0, 5) + "...")
      << "no character is that long";
}

// --- Counts ------------------------------------------------------------------------------------

TEST(ErrorLog, CountsByKindAndByJob) {
  ErrorLog log({});
  log.job_finished(1, Job{.id = "a"}, error(Kind::kFailed, "no"));
  log.job_finished(1, Job{.id = "a"}, error(Kind::kThrew, "no"));
  log.job_finished(1, Job{.id = "b"}, error(Kind::kFailed, "no"));
  log.job_finished(1, Job{.id = "c"}, error(Kind::kDeadlineExceeded, "late"));
  log.job_finished(1, Job{.id = "d"}, error(Kind::kShutDown, "shut down"));

  const ErrorLog::Counts counts = log.counts();
  EXPECT_EQ(counts.all, 5u);
  EXPECT_THAT(counts.by_kind,
              ElementsAre(Pair(Kind::kFailed, 2), Pair(Kind::kThrew, 1),
                          Pair(Kind::kDeadlineExceeded, 1), Pair(Kind::kShutDown, 1)));
  EXPECT_THAT(counts.by_job, ElementsAre(Pair("a", 2), Pair("b", 1), Pair("c", 1), Pair("d", 1)));
  EXPECT_EQ(counts.other_jobs, 0u);
}

TEST(ErrorLog, SuccessIsIgnored) {
  std::vector<std::string> lines;
  ErrorLog log({}, [&](std::string_view line) { lines.emplace_back(line); });
  log.job_started(1, Job{.id = "a"});
  log.job_finished(1, Job{.id = "a"}, {});
  EXPECT_EQ(log.counts().all, 0u);
  EXPECT_THAT(log.counts().by_job, IsEmpty());
  EXPECT_THAT(log.last(), IsEmpty());
  EXPECT_THAT(lines, IsEmpty());
}

TEST(ErrorLog, MoreJobsThanItCountsAreCountedTogether) {
  ErrorLog log({.jobs = 2});
  for (const std::string id : {"a", "b", "c", "d", "a", "c"}) fail(log, id);
  const ErrorLog::Counts counts = log.counts();
  EXPECT_THAT(counts.by_job, ElementsAre(Pair("a", 2), Pair("b", 1)));
  EXPECT_EQ(counts.other_jobs, 3u) << "c twice and d once";
  EXPECT_EQ(counts.all, 6u);
}

TEST(ErrorLog, KeepsTheLastErrorsOldestFirst) {
  ErrorLog log({.last = 2});
  fail(log, "a");
  EXPECT_THAT(jobs_of(log.last()), ElementsAre("a"));
  fail(log, "b");
  log.job_finished(7, Job{.id = "c"},
                   std::unexpected(JobError{Kind::kThrew, "bad index", /*ended_thread=*/true}));
  const std::vector<ErrorLog::Entry> last = log.last();
  ASSERT_THAT(jobs_of(last), ElementsAre("b", "c"));
  EXPECT_EQ(last[1].worker, 7);
  EXPECT_EQ(last[1].error.kind, Kind::kThrew);
  EXPECT_TRUE(last[1].error.ended_thread);
  EXPECT_EQ(last[1].error.message, "bad index");
}

TEST(ErrorLog, IdsAndMessagesAreKeptUpToALimit) {
  std::vector<std::string> lines;
  ErrorLog log({.text = 7}, [&](std::string_view line) { lines.emplace_back(line); });
  fail(log, "abcdefghijk", std::string(1'000, 'x'));
  ASSERT_EQ(log.last().size(), 1u);
  EXPECT_EQ(log.last()[0].job, "abcd...");
  EXPECT_EQ(log.last()[0].error.message, "xxxx...");
  EXPECT_THAT(log.counts().by_job, ElementsAre(Pair("abcd...", 1)));
  EXPECT_THAT(lines, ElementsAre("Worker 1: job abcd... failed: xxxx..."));
}

TEST(ErrorLog, WithoutTextsNoJobHasACountOfItsOwn) {
  ErrorLog log({.text = 0});
  fail(log, "a");
  fail(log, "b");
  EXPECT_THAT(log.counts().by_job, IsEmpty());
  EXPECT_EQ(log.counts().other_jobs, 2u);
}

TEST(ErrorLog, BoundsOfZeroKeepNothingAndStillCount) {
  ErrorLog log({.last = 0, .jobs = 0, .text = 0});
  fail(log, "a");
  fail(log, "b");
  EXPECT_THAT(log.last(), IsEmpty());
  EXPECT_THAT(log.counts().by_job, IsEmpty());
  EXPECT_EQ(log.counts().other_jobs, 2u);
  EXPECT_EQ(log.counts().all, 2u);
}

TEST(ErrorLog, TheBoundsAreWhatTheHeaderSays) {
  const ErrorLog::Options defaults;
  EXPECT_EQ(defaults.last, 100u);
  EXPECT_EQ(defaults.jobs, 1000u);
  EXPECT_EQ(defaults.text, 200u);
}

TEST(ErrorLog, CountsAddUpInEverySnapshot) {
  constexpr std::uint64_t kErrors = 500;
  const Watchdog watchdog;
  ErrorLog log({.last = 3, .jobs = 2});
  {
    std::vector<std::jthread> workers;
    for (const Kind kind : {Kind::kFailed, Kind::kThrew}) {
      workers.push_back(watchdog.thread("worker: job_finished", [&log, kind] {
        for (std::uint64_t i = 0; i < kErrors; ++i) {
          log.job_finished(1, Job{.id = std::to_string(i % 5)}, error(kind, "no"));
        }
      }));
    }
    std::uint64_t before = 0;
    while (before < 2 * kErrors) {
      const ErrorLog::Counts now = log.counts();
      ASSERT_EQ(now.all, sum_of(now.by_kind));
      ASSERT_EQ(now.all, sum_of(now.by_job) + now.other_jobs);
      ASSERT_GE(now.all, before) << "a counter went down";
      ASSERT_LE(log.last().size(), 3u);
      before = now.all;
    }
  }
  EXPECT_EQ(log.counts().by_kind[Kind::kFailed], kErrors);
  EXPECT_EQ(log.counts().by_kind[Kind::kThrew], kErrors);
}

// --- The sink ----------------------------------------------------------------------------------

TEST(ErrorLog, SinkThatThrowsLosesOnlyItsLine) {
  std::vector<std::string> lines;
  ErrorLog log({}, [&](std::string_view line) {
    if (line.starts_with("Worker 1: job b")) throw std::runtime_error("disk full");
    if (line.starts_with("Worker 1: job c")) throw 42;
    lines.emplace_back(line);
  });
  fail(log, "a");
  EXPECT_NO_THROW(fail(log, "b"));
  EXPECT_NO_THROW(fail(log, "c")) << "what the sink throws need not be a std::exception";
  fail(log, "d");
  EXPECT_THAT(lines, ElementsAre("Worker 1: job a failed: no", "Worker 1: job d failed: no"));
  EXPECT_EQ(log.counts().all, 4u);
  EXPECT_THAT(jobs_of(log.last()), ElementsAre("a", "b", "c", "d"));
}

TEST(ErrorLog, SlowSinkHoldsUpNeitherReadersNorTheWorkersThatSucceed) {
  const Watchdog watchdog;
  Gate gate(watchdog, "the sink may return");
  ErrorLog log({}, [&](std::string_view) { gate.wait(); });
  {
    const auto worker = watchdog.thread("worker 1: its line", [&] { fail(log, "a"); });
    gate.await_arrivals(1);
    const auto note = watchdog.waiting("test: to read the log while the sink is blocked");
    EXPECT_EQ(log.counts().all, 1u);
    EXPECT_THAT(jobs_of(log.last()), ElementsAre("a"));
    log.job_finished(2, Job{.id = "b"}, {});
    gate.open();
  }
}

TEST(ErrorLog, ErrorIsCountedBeforeItsLineIsWritten) {
  std::uint64_t counted = 0;
  const ErrorLog* self = nullptr;
  ErrorLog log({}, [&](std::string_view) { counted = self->counts().all; });
  self = &log;
  fail(log, "a");
  EXPECT_EQ(counted, 1u) << "and the sink may call counts()";
}

TEST(ErrorLog, SinkIsCalledForOneLineAtATime) {
  constexpr std::size_t kWorkers = 4;
  constexpr std::size_t kErrors = 50;
  const Watchdog watchdog;
  std::atomic<int> inside = 0;
  std::vector<std::string> lines;  // without a lock: ErrorLog guarantees one call at a time
  ErrorLog log({}, [&](std::string_view line) {
    EXPECT_EQ(++inside, 1) << "two workers are in the sink";
    lines.emplace_back(line);
    std::this_thread::yield();
    --inside;
  });
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < kWorkers; ++i) {
      workers.push_back(watchdog.thread("worker: job_finished", [&] {
        for (std::size_t error = 0; error < kErrors; ++error) fail(log, "a");
      }));
    }
  }
  EXPECT_EQ(lines.size(), kWorkers * kErrors);
}

// --- With a pool -------------------------------------------------------------------------------

TEST(ErrorLog, SeesEveryErrorOfAPoolOnTheThreadOfItsWorker) {
  const Watchdog watchdog;
  const auto lines = std::make_shared<EventLog>(watchdog);
  std::thread::id handler_thread;
  std::thread::id sink_thread;
  const auto log = std::make_shared<ErrorLog>(ErrorLog::Options{}, [&](std::string_view line) {
    sink_thread = std::this_thread::get_id();
    lines->add(std::string(line));
  });
  WorkerPool pool(
      {.workers = 1},
      [&](const Job& job, const Context&) -> JobResult {
        handler_thread = std::this_thread::get_id();
        if (job.id == "fails") return error(Kind::kFailed, "disk full");
        if (job.id == "throws") throw std::out_of_range("bad index");
        return {};
      },
      log);
  ASSERT_EQ(pool.submit(Job{.id = "late", .ctx = Context().with_timeout({})}), SendStatus::kSent);
  for (const std::string id : {"succeeds", "fails", "throws"}) {
    ASSERT_EQ(pool.submit(Job{.id = id}), SendStatus::kSent);
  }
  (void)pool.shutdown({.drain = kForever});
  EXPECT_THAT(lines->events(),
              ElementsAre("Worker 1: job late: deadline exceeded before it started",
                          "Worker 1: job fails failed: disk full",
                          "Worker 1: job throws threw: bad index"));
  EXPECT_THAT(jobs_of(log->last()), ElementsAre("late", "fails", "throws"));
  EXPECT_EQ(sink_thread, handler_thread);
}

// Elsewhere, such a sink ends the program: forced_unwind.h.
#if defined(__GLIBCXX__) && defined(__GLIBC__)
TEST(ErrorLogSink, MayEndItsThread) {
  ErrorLog errors({}, [](std::string_view) { pthread_exit(nullptr); });
  bool returned = false;
  std::thread([&] {
    errors.job_finished(1, Job{.id = "a"}, std::unexpected(JobError{Kind::kFailed, "x"}));
    returned = true;
  }).join();
  EXPECT_FALSE(returned);
  EXPECT_EQ(errors.counts().all, 1u);
}
#endif

}  // namespace
}  // namespace worker_pool
