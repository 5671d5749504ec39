// The program //full_pattern:retry, run as a user runs it.
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

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

std::string command(const std::string& flags) {
  const char* const program = std::getenv("RETRY");
  return (program != nullptr ? program : "RETRY-is-not-set") + (" " + flags);
}

ProgramResult retry(const std::string& flags) { return run_program(command(flags)); }

// Returns the lines of standard error without the workers' numbers, which differ between runs.
std::vector<std::string> errors_of(const ProgramResult& run) {
  std::vector<std::string> errors;
  for (const std::string& line : lines_of(run.err)) {
    EXPECT_THAT(line, StartsWith("Worker "));
    errors.push_back(line.substr(std::min(line.size(), line.find(": job ") + 2)));
  }
  return errors;
}

TEST(Retry, PrintsATableOfTriesThatIsTheSameInEveryRun) {
  const Watchdog watchdog;
  const ProgramResult run = retry("--backoff_ms=1");
  EXPECT_EQ(run.status, 1) << "job d never succeeds";
  EXPECT_EQ(run.out,
            "Job  Tries  End\n"
            "a    1      succeeded\n"
            "b    3      succeeded\n"
            "c    1      succeeded\n"
            "d    3      503 Service Unavailable\n"
            "e    2      succeeded\n"
            "Errors: 6, 5 of them failed, 1 of them threw\n");
}

TEST(Retry, EveryErrorIsALine) {
  const Watchdog watchdog;
  const ProgramResult run = retry("--backoff_ms=1");
  const std::string b = "job b failed: 503 Service Unavailable";
  const std::string d = "job d failed: 503 Service Unavailable";
  EXPECT_THAT(errors_of(run), UnorderedElementsAre(b, b, d, d, d, "job e threw: connection reset"));
}

TEST(Retry, StatusIsZeroWhenEveryJobSucceeds) {
  const Watchdog watchdog;
  const ProgramResult run = retry("--backoff_ms=1 --jobs=3 --workers=1");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.out,
            "Job  Tries  End\n"
            "a    1      succeeded\n"
            "b    3      succeeded\n"
            "c    1      succeeded\n"
            "Errors: 2, 2 of them failed\n");
}

TEST(Retry, TriesAreTheFlags) {
  const Watchdog watchdog;
  const ProgramResult run = retry("--tries=1");
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.out, HasSubstr("b    1      503 Service Unavailable\n"));
  EXPECT_THAT(run.out, HasSubstr("e    1      connection reset\n"));
}

TEST(Retry, OutputThatCannotBeWrittenIsAnError) {
  const Watchdog watchdog;
  for (const std::string flags : {"--jobs=1", "--help"}) {
    for (const std::string& line : {command(flags + " >/dev/full"), command(flags + " >&-"),
                                    command(flags + " <&- >&-"), without_reader(command(flags))}) {
      const ProgramResult run = run_program(line);
      EXPECT_EQ(run.status, 1) << line;
      EXPECT_EQ(run.err, "retry: cannot write to standard output\n") << line;
    }
  }
}

TEST(Retry, HelpNamesEveryFlag) {
  const Watchdog watchdog;
  const ProgramResult run = retry("--help");
  EXPECT_EQ(run.status, 0);
  for (const char* flag : {"--workers", "--jobs", "--tries", "--backoff_ms", "--help"}) {
    EXPECT_THAT(run.out, HasSubstr(flag));
  }
}

class RetryRefuses : public ::testing::TestWithParam<const char*> {};

TEST_P(RetryRefuses, BadCommandLineInOneLineAndStartsNothing) {
  const Watchdog watchdog;
  const ProgramResult run = retry(GetParam());
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.out, IsEmpty()) << "something was started";
  EXPECT_THAT(run.err, StartsWith("retry: "));
  EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
}

INSTANTIATE_TEST_SUITE_P(Flags, RetryRefuses,
                         ::testing::Values("--workers=0", "--jobs=0", "--jobs=6", "--tries=0",
                                           "--backoff_ms=0", "--unknown=1", "file"));

}  // namespace
}  // namespace worker_pool
