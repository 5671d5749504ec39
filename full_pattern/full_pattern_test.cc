// The program //full_pattern, run as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "testing/child_process.h"
#include "testing/pseudo_terminal.h"
#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::string program() {
  const char* const path = std::getenv("FULL_PATTERN");
  return path != nullptr ? path : "FULL_PATTERN-is-not-set";
}

ProgramResult full_pattern(const std::string& flags) {
  return run_program(program() + " " + flags);
}

std::string file(const std::string& name) { return ::testing::TempDir() + "/" + name; }

// Returns the worker that printed `what` ("started job 3"). Fails unless exactly one did.
std::string who(const std::vector<std::string>& lines, const std::string& what) {
  std::string found;
  for (const std::string& line : lines) {
    if (!line.ends_with(" " + what)) continue;
    EXPECT_TRUE(found.empty()) << what << ": printed twice";
    found = line.substr(0, line.size() - what.size());
  }
  EXPECT_THAT(found, StartsWith("Worker ")) << what << ": not printed exactly once";
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

// --- Reports -------------------------------------------------------------------------------------

TEST(FullPattern, TraceHasALaneForEachWorkerAndABarForEachJob) {
  const Watchdog watchdog;
  const std::string trace = file("full_pattern_test.json");
  const ProgramResult run = full_pattern("--workers=1 --jobs=3 --work_ms=1 --trace=" + trace);
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(lines_of(run.out).size(), 8u) << "a trace must not change what is printed";
  const std::string json = contents(trace);
  EXPECT_THAT(json, HasSubstr("\"name\":\"Worker 1\""));
  for (const std::string id : {"1", "2", "3"}) {
    EXPECT_THAT(json, HasSubstr("{\"ph\":\"X\",\"name\":\"job " + id + "\",\"pid\":1,\"tid\":1,"));
  }
  EXPECT_THAT(json, HasSubstr("\"name\":\"close\""));
  EXPECT_THAT(json, HasSubstr("\"name\":\"waiting jobs\""));
}

TEST(FullPattern, MetricsAreWhatPrometheusReads) {
  const Watchdog watchdog;
  const std::string metrics = file("full_pattern_test.prom");
  const ProgramResult run = full_pattern("--jobs=4 --work_ms=1 --metrics=" + metrics);
  EXPECT_EQ(run.status, 0) << run.err;
  const std::vector<std::string> lines = lines_of(contents(metrics));
  EXPECT_THAT(lines, Contains("worker_pool_jobs_submitted_total 4"));
  EXPECT_THAT(lines, Contains("worker_pool_jobs_finished_total{result=\"succeeded\"} 4"));
  EXPECT_THAT(lines, Contains("worker_pool_run_time_seconds_count 4"));
}

TEST(FullPattern, TimelineIsEightyColumnsWideWithoutATerminal) {
  const Watchdog watchdog;
  const ProgramResult run = full_pattern("--workers=1 --jobs=2 --work_ms=20 --timeline");
  EXPECT_EQ(run.status, 0) << run.err;
  const std::vector<std::string> lines = lines_of(run.out);
  ASSERT_EQ(lines.size(), 10u) << run.out;
  EXPECT_THAT(lines[5], StartsWith("Worker 1 |"));
  EXPECT_THAT(lines[6], StartsWith("waiting  |"));
  EXPECT_EQ(lines[7].size(), 80u) << lines[7];
  EXPECT_THAT(lines[8], StartsWith("close at "));
  EXPECT_EQ(lines[9], "Shutdown complete");
}

TEST(FullPattern, TimelineFillsTheTerminal) {
  const Watchdog watchdog;
  const ProgramResult run =
      run_on_terminal(program() + " --workers=1 --jobs=2 --work_ms=1 --timeline", 100);
  EXPECT_EQ(run.status, 0);
  const std::vector<std::string> lines = lines_of(run.out);
  ASSERT_EQ(lines.size(), 10u) << run.out;
  EXPECT_EQ(lines[7].size(), 100u) << lines[7];
}

TEST(FullPattern, FileThatCannotBeWrittenIsAnErrorWithItsName) {
  const Watchdog watchdog;
  for (const std::string flag : {"--trace", "--metrics"}) {
    const ProgramResult run = full_pattern("--jobs=1 --work_ms=0 " + flag + "=/dev/full");
    EXPECT_EQ(run.status, 1) << flag;
    EXPECT_EQ(run.err, "full_pattern: /dev/full: cannot be written: No space left on device\n")
        << flag;
    EXPECT_EQ(lines_of(run.out).back(), "Shutdown complete") << "only the report has failed";
  }
}

TEST(FullPattern, OneFileForTheTraceAndTheMetricsIsRefused) {
  const Watchdog watchdog;
  const std::string name = file("both");
  const ProgramResult run =
      full_pattern("--trace=" + name + " --metrics=" + ::testing::TempDir() + "/./both");
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.out, IsEmpty()) << "something was started";
  EXPECT_THAT(run.err, HasSubstr("one file cannot hold both the trace and the metrics"));
}

TEST(FullPattern, FileNamesAreRelativeToTheFolderThatBazelRunWasCalledIn) {
  const Watchdog watchdog;
  const ProgramResult run = run_program("BUILD_WORKING_DIRECTORY='" + ::testing::TempDir() + "' " +
                                        program() + " --jobs=0 --trace=relative.json");
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(contents(file("relative.json")), HasSubstr("traceEvents"));
}

// --- Signals -----------------------------------------------------------------------------------

TEST(FullPattern, FirstSignalStopsSubmittingAndFinishesTheAcceptedJobs) {
  const Watchdog watchdog;
  ChildProcess run(watchdog, {program(), "--workers=1", "--capacity=1", "--jobs=100000",
                              "--work_ms=20", "--drain_ms=3600000"});
  run.await_line("Worker 1 started job 1");
  run.send_signal(SIGTERM);
  EXPECT_EQ(run.wait(), 0) << run.output();
  const std::vector<std::string> lines = lines_of(run.output());
  EXPECT_THAT(lines, Contains("full_pattern: SIGTERM: accepting no more jobs; another signal "
                              "cancels the accepted ones"));
  EXPECT_THAT(lines, Contains(StartsWith("Shutdown: drained. Of ")));
  EXPECT_THAT(lines, Contains(StartsWith("Not submitted: 9")));
  EXPECT_THAT(lines, Contains("Shutdown complete"));
}

TEST(FullPattern, SecondSignalCancelsAndTheTimelineShowsIt) {
  const Watchdog watchdog;
  ChildProcess run(watchdog, {program(), "--workers=1", "--jobs=3", "--work_ms=3600000",
                              "--drain_ms=3600000", "--cancel_ms=3600000", "--timeline"});
  run.await_line("Worker 1 started job 1");
  run.send_signal(SIGINT);
  run.await_line(
      "full_pattern: SIGINT: accepting no more jobs; another signal cancels the accepted ones");
  run.send_signal(SIGINT);
  EXPECT_EQ(run.wait(), 1) << run.output();
  const std::vector<std::string> lines = lines_of(run.output());
  EXPECT_THAT(lines, Contains("full_pattern: SIGINT: canceled; another signal leaves at once"));
  EXPECT_THAT(lines, Contains("Worker 1: job 1 failed: shut down"));
  EXPECT_THAT(lines, Contains(StartsWith("Shutdown: cancelled. Of ")));
  EXPECT_THAT(lines, Contains(StartsWith("cancel at ")));
  EXPECT_THAT(lines, Contains("Shutdown complete"));
}

// --- Standard streams that cannot be used --------------------------------------------------------

constexpr auto kCannotWrite = "full_pattern: cannot write to standard output\n";

// What 5,000 jobs print is more than a pipe holds, so the program still prints when head has
// exited.
TEST(FullPattern, ReaderThatHasReadEnoughCostsNoJobAndNoFile) {
  const Watchdog watchdog;
  const std::string trace = file("reader.json");
  const std::string metrics = file("reader.prom");
  const ProgramResult run =
      run_program("{ " + program() + " --jobs=5000 --work_ms=0 --trace=" + trace +
                  " --metrics=" + metrics + "; echo \"status $?\" >&2; } | head -2");
  EXPECT_EQ(lines_of(run.out).size(), 2u);
  EXPECT_EQ(run.err, kCannotWrite + std::string("status 1\n"));
  EXPECT_THAT(lines_of(contents(metrics)),
              Contains("worker_pool_jobs_finished_total{result=\"succeeded\"} 5000"));
  EXPECT_THAT(contents(trace), EndsWith("]}\n"));
}

// As in `full_pattern 2>&1 | tee log` after Ctrl-C, which ends tee at once.
TEST(FullPattern, ReaderThatASignalHasEndedDoesNotEndTheDrain) {
  const Watchdog watchdog;
  const std::string metrics = file("signal.prom");
  const std::string pipe = file("signal.pipe");
  std::remove(pipe.c_str());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  ChildProcess run(watchdog, {"/bin/sh", "-c",
                              "exec " + program() +
                                  " --workers=1 --capacity=1 --jobs=100000 --work_ms=20"
                                  " --drain_ms=3600000 --metrics=" +
                                  metrics + " >'" + pipe + "' 2>&1"});
  std::ifstream reader(pipe);
  std::string line;
  std::getline(reader, line);
  EXPECT_EQ(line, "Worker 1 started job 1");
  reader.close();
  run.send_signal(SIGINT);
  EXPECT_EQ(run.wait(), 1);
  EXPECT_THAT(lines_of(contents(metrics)),
              Contains(StartsWith("worker_pool_jobs_finished_total{result=\"succeeded\"} ")));
}

#if defined(__linux__)  // for setsid, which makes the terminal the child's own
TEST(FullPattern, ClosedTerminalIsAFirstSignal) {
  const Watchdog watchdog;
  const std::string metrics = file("terminal.prom");
  auto terminal = std::make_unique<PseudoTerminal>(80);
  ChildProcess run(watchdog,
                   {"/bin/sh", "-c",
                    "exec setsid sh -c \"exec '" + program() +
                        "' --workers=1 --capacity=1 --jobs=100000 --work_ms=20"
                        " --drain_ms=3600000 --metrics='" +
                        metrics + "' <" + terminal->path() + " >" + terminal->path() + " 2>&1\""});
  for (std::string seen; seen.find("started job 1") == std::string::npos;) seen += terminal->read();
  terminal.reset();
  EXPECT_EQ(run.wait(), 1) << "standard output can no longer be written";
  EXPECT_THAT(lines_of(contents(metrics)),
              Contains(StartsWith("worker_pool_jobs_finished_total{result=\"succeeded\"} ")));
}
#endif

TEST(FullPattern, NothingIsPrintedIntoAFileInThePlaceOfAClosedStream) {
  const Watchdog watchdog;
  const std::string trace = file("closed.json");
  for (const std::string closed : {"<&-", ">&-", "2>&- >/dev/full", "<&- >&- 2>&-"}) {
    const ProgramResult run = full_pattern("--jobs=1 --work_ms=0 --trace=" + trace + " " + closed);
    EXPECT_EQ(run.status, closed == "<&-" ? 0 : 1) << closed;
    EXPECT_EQ(run.err, closed == ">&-" ? kCannotWrite : "") << closed;
    EXPECT_THAT(contents(trace), StartsWith("{")) << closed;
    EXPECT_THAT(contents(trace), EndsWith("]}\n")) << closed;
  }
}

TEST(FullPattern, FileThatReachesItsSizeLimitIsAnErrorWithItsName) {
  const Watchdog watchdog;
  const std::string trace = file("large.json");
  const ProgramResult run = run_program(
      "( ulimit -f 1; " + program() + " --jobs=100 --work_ms=0 --trace=" + trace + " >/dev/null )");
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr(trace));
}

TEST(FullPattern, HelpThatCannotBeWrittenIsAnError) {
  const Watchdog watchdog;
  for (const std::string where : {">/dev/full", ">&-"}) {
    const ProgramResult run = full_pattern("--help " + where);
    EXPECT_EQ(run.status, 1) << where;
    EXPECT_EQ(run.err, kCannotWrite) << where;
  }
}

// --- Command line ------------------------------------------------------------------------------

TEST(FullPattern, HelpNamesEveryFlag) {
  const Watchdog watchdog;
  const ProgramResult run = full_pattern("--help");
  EXPECT_EQ(run.status, 0);
  for (const char* flag : {"--workers", "--jobs", "--work_ms", "--capacity", "--drain_ms",
                           "--cancel_ms", "--trace", "--metrics", "--timeline", "--help"}) {
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
                                           "--trace=", "--trace=/no/such/folder/file",
                                           "--metrics=/", "--timeline=1", "--unknown=1", "file"));

}  // namespace
}  // namespace worker_pool
