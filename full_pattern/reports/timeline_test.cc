#include "full_pattern/reports/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <expected>
#include <sstream>
#include <string>

#include "full_pattern/observers/recording.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const Clock::time_point kBegin = Clock::time_point(1h);

Clock::time_point at(std::chrono::milliseconds ms) { return kBegin + ms; }

JobRecord job(std::string id, int worker, std::chrono::milliseconds submitted,
              std::chrono::milliseconds started, std::chrono::milliseconds finished) {
  return {.id = id,
          .worker = worker,
          .submitted = at(submitted),
          .started = at(started),
          .finished = at(finished)};
}

JobRecord failed(JobRecord job) {
  job.result = std::unexpected(JobError{});
  return job;
}

TEST(Timeline, ShowsTheFiveJobsOfTheFullPattern) {
  const Recording recording{.begin = kBegin,
                            .jobs = {job("1", 1, 0ms, 0ms, 499ms), job("2", 2, 0ms, 0ms, 499ms),
                                     job("3", 3, 0ms, 0ms, 499ms), job("4", 2, 0ms, 500ms, 1000ms),
                                     failed(job("5", 1, 0ms, 500ms, 1000ms))}};
  EXPECT_EQ(timeline(recording, {.closed_at = at(1ms)}, 50),
            "Worker 1 |[1=================][5================x]\n"
            "Worker 2 |[2=================][4=================]\n"
            "Worker 3 |[3=================]\n"
            "waiting  |22222222222222222222\n"
            "          0 ms                             1000 ms\n"
            "close at 1 ms\n");
}

TEST(Timeline, ShowsWhatDidNotEndWell) {
  Recording recording{.begin = kBegin,
                      .jobs = {failed(job("f", 1, 0ms, 0ms, 40ms)),
                               {.id = "late", .worker = 1, .finished = at(60ms)},
                               {.id = "stuck", .worker = 2, .started = at(20ms)}},
                      .left_out = 7};
  recording.jobs[1].result = std::unexpected(JobError{});
  const ShutdownReport report{
      .closed_at = at(10ms), .cancelled_at = at(50ms), .abandoned_at = at(100ms)};
  EXPECT_EQ(timeline(recording, report, 40),
            "Worker 1 |[f=========x]     !\n"
            "Worker 2 |      [stuck=================>\n"
            "waiting  |\n"
            "          0 ms                    100 ms\n"
            "close at 10 ms\n"
            "cancel at 50 ms\n"
            "abandon at 100 ms\n"
            "Not recorded: 7 more jobs\n");
}

TEST(Timeline, JobsShorterThanAColumnAreStillDrawn) {
  const Recording recording{
      .begin = kBegin,
      .jobs = {job("long", 1, 0ms, 0ms, 500ms), job("a", 1, 0ms, 501ms, 502ms),
               job("b", 1, 0ms, 600ms, 601ms), job("c", 1, 0ms, 602ms, 603ms),
               job("end", 1, 0ms, 1000ms, 1000ms)}};
  EXPECT_THAT(timeline(recording, {}, 40),
              StartsWith("Worker 1 |[long==========#  #          #\n"));
}

// Jobs are recorded in the order in which they finished, and the running ones at the end.
TEST(Timeline, PutsTheJobsOfAWorkerInOrderOfTime) {
  const Recording recording{.begin = kBegin,
                            .jobs = {job("3", 1, 0ms, 20ms, 30ms), job("1", 1, 0ms, 0ms, 9ms),
                                     failed({.id = "2", .worker = 1, .finished = at(15ms)})}};
  EXPECT_THAT(timeline(recording, {}, 40),
              StartsWith("Worker 1 |[1=======]     !    [3=======]\n"));
}

TEST(Timeline, CountsNineWaitingJobsAndSaysPlusForMore) {
  Recording recording{.begin = kBegin};
  for (int i = 0; i < 11; ++i) {
    const auto started = std::chrono::milliseconds(i * 10);
    recording.jobs.push_back(job(std::to_string(i), 1, 0ms, started, started + 10ms));
  }
  EXPECT_THAT(timeline(recording, {}, 43), HasSubstr("waiting  |+++999888777666555444333222111\n"));
}

TEST(Timeline, FitsTheWidthWhateverTheIds) {
  const Recording recording{.begin = kBegin,
                            .jobs = {job(std::string(200, 'x') + "\n\x1b[31m", 1, 0ms, 0ms, 10ms),
                                     job("\x1b[31m\n\x7F\x9B\xFF", 1000, 0ms, 0ms, 10ms)},
                            .left_out = 1'000'000};
  const ShutdownReport report{
      .closed_at = at(100h), .cancelled_at = at(1000h), .abandoned_at = at(1000h)};
  for (const int width : {-1, 0, 1, 40, 41, 80, 500}) {
    std::istringstream drawing(timeline(recording, report, width));
    std::string longest;
    for (std::string line; std::getline(drawing, line);) {
      if (line.size() > longest.size()) longest = line;
      for (const char c : line) {
        EXPECT_TRUE(c >= ' ' && c <= '~')
            << "an id must not send control characters to the terminal: " << line;
      }
    }
    EXPECT_LE(longest.size(), static_cast<std::size_t>(width < 40 ? 40 : width)) << longest;
  }
}

TEST(Timeline, OfNothingIsEmpty) {
  EXPECT_EQ(timeline({.begin = kBegin}, {}, 40),
            "waiting |\n"
            "         0 ms                       0 ms\n");
}

}  // namespace
}  // namespace worker_pool
