// The program //full_pattern as its user sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

ProgramResult full_pattern(const std::string& flags) {
  const char* const program = std::getenv("FULL_PATTERN");
  return run_program((program != nullptr ? program : "FULL_PATTERN-is-not-set") + (" " + flags));
}

// Which worker said `what` ("started job 3"), or a failure when not exactly one did.
std::string who(const std::vector<std::string>& lines, const std::string& what) {
  std::string found;
  for (const std::string& line : lines) {
    if (!line.ends_with(" " + what)) continue;
    EXPECT_TRUE(found.empty()) << what << ": said twice";
    found = line.substr(0, line.size() - what.size());
  }
  EXPECT_THAT(found, StartsWith("Worker ")) << what << ": said by nobody";
  return found;
}

TEST(FullPattern, RunsFiveJobsOnThreeWorkersAndShutsDown) {
  const Watchdog watchdog;
  const ProgramResult run = full_pattern("");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "");

  const std::vector<std::string> lines = lines_of(run.out);
  ASSERT_EQ(lines.size(), 12u) << run.out;
  for (const std::string id : {"1", "2", "3", "4", "5"}) {
    const std::string start = who(lines, "started job " + id);
    const std::string finish = who(lines, "finished job " + id);
    EXPECT_EQ(start, finish) << "job " << id << " changed its worker";
    EXPECT_LT(std::ranges::find(lines, start + "started job " + id),
              std::ranges::find(lines, finish + "finished job " + id));
  }
  EXPECT_EQ(lines[10],
            "Shutdown: drained. Of 5 jobs: 5 succeeded, 0 failed, 0 not started, 0 still running");
  EXPECT_EQ(lines[11], "Shutdown complete");
}

TEST(FullPattern, OneWorkerWorksInTheOrderOfSubmission) {
  const Watchdog watchdog;
  const ProgramResult run = full_pattern("--workers=1 --jobs=3 --work_ms=0");
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.out, StartsWith("Worker 1 started job 1\nWorker 1 finished job 1\n"
                                  "Worker 1 started job 2\nWorker 1 finished job 2\n"
                                  "Worker 1 started job 3\nWorker 1 finished job 3\n"));
}

TEST(FullPattern, NoJobsIsAQuietRun) {
  const Watchdog watchdog;
  const ProgramResult run = full_pattern("--jobs=0");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.out,
            "Shutdown: drained. Of 0 jobs: 0 succeeded, 0 failed, 0 not started, 0 still running\n"
            "Shutdown complete\n");
}

TEST(FullPattern, CancelsWhatTheDrainLimitLeaves) {
  const Watchdog watchdog;
  const ProgramResult run = full_pattern("--workers=1 --jobs=3 --work_ms=3600000 --drain_ms=0");
  EXPECT_EQ(run.status, 1) << "not every job succeeded";
  const std::vector<std::string> lines = lines_of(run.out);
  EXPECT_THAT(lines, Contains("Not started: job 3"));
  EXPECT_THAT(run.out, HasSubstr("Shutdown: cancelled. Of 3 jobs: 0 succeeded, "));
  EXPECT_THAT(run.out, HasSubstr(" 0 still running\n"));
  EXPECT_EQ(lines.back(), "Shutdown complete");
}

TEST(FullPattern, OutputThatCannotBeWrittenIsAnError) {
  const Watchdog watchdog;
  const ProgramResult run = full_pattern("--jobs=1 --work_ms=0 >/dev/full");
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.err, "full_pattern: cannot write to standard output\n");
}

TEST(FullPattern, HelpNamesEveryFlag) {
  const Watchdog watchdog;
  const ProgramResult run = full_pattern("--help");
  EXPECT_EQ(run.status, 0);
  for (const char* flag :
       {"--workers", "--jobs", "--work_ms", "--capacity", "--drain_ms", "--cancel_ms", "--help"}) {
    EXPECT_THAT(run.out, HasSubstr(flag));
  }
}

class FullPatternRefuses : public ::testing::TestWithParam<const char*> {};

TEST_P(FullPatternRefuses, BadCommandLineInOneLineAndStartsNothing) {
  const Watchdog watchdog;
  const ProgramResult run = full_pattern(GetParam());
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.out, IsEmpty()) << "something was started";
  EXPECT_THAT(run.err, StartsWith("full_pattern: "));
  EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
}

INSTANTIATE_TEST_SUITE_P(Flags, FullPatternRefuses,
                         ::testing::Values("--workers=0", "--workers=-1", "--workers=many",
                                           "--jobs=-1", "--work_ms=-1", "--capacity=0",
                                           "--drain_ms=-1", "--cancel_ms=-1", "--jobs",
                                           "--unknown=1", "file"));

}  // namespace
}  // namespace worker_pool
