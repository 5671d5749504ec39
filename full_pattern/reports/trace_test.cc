#include "full_pattern/reports/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <expected>
#include <fstream>
#include <locale>
#include <sstream>
#include <string>
#include <utility>

#include "full_pattern/observers/recording.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step4_shutdown/shutdown.h"
#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const Clock::time_point kBegin = Clock::time_point(1h);

Clock::time_point at(std::chrono::microseconds us) { return kBegin + us; }

std::string trace(const Recording& recording, const ShutdownReport& report) {
  std::ostringstream out;
  write_trace(out, recording, report);
  return out.str();
}

// Two workers: "a" succeeds, "b" fails, "c" is late, "d" was handed back, "e" was abandoned.
Recording recording() {
  const JobError no{JobError::Kind::kFailed, "no"};
  const JobError late{JobError::Kind::kDeadlineExceeded, "deadline exceeded before it started"};
  return {.begin = kBegin,
          .jobs = {{.id = "a",
                    .worker = 1,
                    .submitted = at(0us),
                    .started = at(1500us),
                    .finished = at(5000us)},
                   {.id = "b",
                    .worker = 2,
                    .submitted = at(1000us),
                    .started = at(2000us),
                    .finished = at(3000us),
                    .result = std::unexpected(no)},
                   {.id = "c",
                    .worker = 2,
                    .submitted = at(1000us),
                    .finished = at(3500us),
                    .result = std::unexpected(late)},
                   {.id = "e", .worker = 2, .submitted = at(1000us), .started = at(4000us)}},
          .left_out = 6};
}

ShutdownReport report() {
  ShutdownReport report{.outcome = ShutdownOutcome::kAbandoned,
                        .closed_at = at(2000us),
                        .cancelled_at = at(6000us),
                        .abandoned_at = at(9000us)};
  report.not_started.push_back(Job{.id = "d", .submitted = at(1000us)});
  return report;
}

TEST(Trace, IsThisText) {
  EXPECT_EQ(trace(recording(), report()),
            R"({"displayTimeUnit":"ms","otherData":{"jobs left out":"6"},"traceEvents":[
{"ph":"M","name":"process_name","pid":1,"tid":0,"args":{"name":"worker pool"}},
{"ph":"M","name":"thread_name","pid":1,"tid":1,"args":{"name":"Worker 1"}},
{"ph":"M","name":"thread_name","pid":1,"tid":2,"args":{"name":"Worker 2"}},
{"ph":"X","name":"job a","pid":1,"tid":1,"ts":1500.000,"dur":3500.000,"args":{"result":"succeeded","waited_us":1500.000}},
{"ph":"X","name":"job b","pid":1,"tid":2,"ts":2000.000,"dur":1000.000,"args":{"result":"failed: no","waited_us":1000.000}},
{"ph":"i","name":"job c","pid":1,"tid":2,"ts":3500.000,"s":"t","args":{"result":"deadline exceeded: deadline exceeded before it started","waited_us":2500.000}},
{"ph":"X","name":"job e","pid":1,"tid":2,"ts":4000.000,"dur":5000.000,"args":{"result":"still running","waited_us":3000.000}},
{"ph":"C","name":"waiting jobs","pid":1,"tid":0,"ts":0.000,"args":{"jobs":1}},
{"ph":"C","name":"waiting jobs","pid":1,"tid":0,"ts":1000.000,"args":{"jobs":5}},
{"ph":"C","name":"waiting jobs","pid":1,"tid":0,"ts":1500.000,"args":{"jobs":4}},
{"ph":"C","name":"waiting jobs","pid":1,"tid":0,"ts":2000.000,"args":{"jobs":3}},
{"ph":"C","name":"waiting jobs","pid":1,"tid":0,"ts":3500.000,"args":{"jobs":2}},
{"ph":"C","name":"waiting jobs","pid":1,"tid":0,"ts":4000.000,"args":{"jobs":1}},
{"ph":"C","name":"waiting jobs","pid":1,"tid":0,"ts":6000.000,"args":{"jobs":0}},
{"ph":"i","name":"close","pid":1,"tid":0,"ts":2000.000,"s":"g"},
{"ph":"i","name":"cancel","pid":1,"tid":0,"ts":6000.000,"s":"g"},
{"ph":"i","name":"abandon","pid":1,"tid":0,"ts":9000.000,"s":"g"}
]}
)");
}

// Writes the trace to a file and has Python read it.
ProgramResult check(const std::string& json) {
  const char* const checker = std::getenv("CHECK_TRACE");
  const std::string path = ::testing::TempDir() + "/trace_test.json";
  std::ofstream(path, std::ios::binary) << json;
  return run_program("python3 '" + std::string(checker != nullptr ? checker : "") + "' '" + path +
                     "'");
}

class TraceParsed : public ::testing::Test {
 protected:
  void SetUp() override {
    if (run_program("python3 -c ''").status != 0) GTEST_SKIP() << "needs python3";
  }
  const Watchdog watchdog_;
};

TEST_F(TraceParsed, ByAParserThatIsNotOurs) {
  const ProgramResult found = check(trace(recording(), report()));
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_EQ(found.out, "2 lanes, 3 bars, stages: close cancel abandon\n");
}

TEST_F(TraceParsed, AlsoWhenNothingHappened) {
  const ProgramResult found = check(trace({.begin = kBegin}, {}));
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_EQ(found.out, "0 lanes, 0 bars, stages: \n");
}

TEST_F(TraceParsed, WhateverBytesAnIdHas) {
  Recording strange{.begin = kBegin};
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  for (const std::string& id : {every_byte, std::string("\xED\xA0\x80"), std::string("\xF0\x9F")}) {
    JobRecord job{.id = id, .worker = 1, .started = kBegin, .finished = kBegin};
    job.result = std::unexpected(JobError{JobError::Kind::kThrew, id});
    strange.jobs.push_back(job);
  }
  const ProgramResult found = check(trace(strange, {}));
  EXPECT_EQ(found.status, 0) << found.err;
}

// A checker that accepts everything would be useless.
TEST_F(TraceParsed, CheckerRefusesWhatIsWrong) {
  const std::string good = trace(recording(), report());
  const auto with = [&good](const std::string& from, const std::string& to) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    return check(bad).status;
  };
  EXPECT_NE(with("},\n", "}\n"), 0) << "a comma is missing";
  EXPECT_NE(with("job a", "job \xFF"), 0) << "not UTF-8";
  EXPECT_NE(with("\"ts\":1500.000", "\"ts\":NaN"), 0) << "not a number";
  EXPECT_NE(with("\"ts\":4000.000,\"dur\"", "\"ts\":2500.000,\"dur\""), 0) << "bars overlap";
  EXPECT_NE(with("\"jobs\":0}", "\"jobs\":1}"), 0) << "a job waits forever";
  EXPECT_NE(with("\"cancel\"", "\"abandon\""), 0) << "stages out of order";
}

TEST(Trace, KeepsWhatIsUtf8AndReplacesWhatIsNot) {
  const Recording one{.begin = kBegin,
                      .jobs = {{.id = "\"\\\n\x01 h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xFF\xC3",
                                .worker = 1,
                                .started = kBegin,
                                .finished = kBegin}}};
  EXPECT_THAT(trace(one, {}),
              HasSubstr("\"name\":\"job \\\"\\\\\\u000a\\u0001 h\xC3\xA9 \xE2\x82\xAC "
                        "\xF0\x9F\x98\x80 \xEF\xBF\xBD\xEF\xBF\xBD\""));
}

TEST(Trace, SaysWhoStoppedAJob) {
  const auto stopped = [](CancelReason why) {
    return trace({.begin = kBegin,
                  .jobs = {{.id = "a",
                            .worker = 1,
                            .started = kBegin,
                            .finished = kBegin,
                            .result = std::unexpected(ended(why))}}},
                 {});
  };
  EXPECT_THAT(stopped(CancelReason::kCancelled), HasSubstr(R"("result":"cancelled: cancelled")"));
  EXPECT_THAT(stopped(CancelReason::kShutDown), HasSubstr(R"("result":"shut down: shut down")"));
}

TEST(Trace, DoesNotFollowTheLocaleOfTheStream) {
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  std::ostringstream out;
  out.imbue(std::locale(std::locale(), new Comma));  // owned by the locale
  write_trace(out, recording(), report());
  EXPECT_EQ(out.str(), trace(recording(), report()));
}

}  // namespace
}  // namespace worker_pool
