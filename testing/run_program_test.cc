#include "testing/run_program.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "testing/watchdog.h"

namespace worker_pool {
namespace {

TEST(RunProgram, TellsStatusOutputAndErrors) {
  Watchdog watchdog;
  const ProgramResult result = run_program("echo out; echo err >&2; exit 3");
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST(RunProgram, TellsWhichSignalEndedTheProgram) {
  Watchdog watchdog;
  EXPECT_EQ(run_program("kill -9 $$").status, 128 + 9);
}

TEST(RunProgram, EndsByASignalThatTheTestIgnores) {
  Watchdog watchdog;
  signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(run_program("kill -PIPE $$").status, 128 + SIGPIPE);
}

TEST(RunProgram, WithoutAReaderWhatIsPrintedCannotBeWritten) {
  Watchdog watchdog;
  EXPECT_EQ(run_program(without_reader("true")).status, 0);
  EXPECT_EQ(run_program(without_reader("sh -c 'echo x; exit 3'")).status, 128 + SIGPIPE);
}

TEST(RunProgram, SecondRunStartsAfresh) {
  Watchdog watchdog;
  EXPECT_EQ(run_program("echo first; echo first >&2").status, 0);
  const ProgramResult second = run_program("true");
  EXPECT_EQ(second.out, "");
  EXPECT_EQ(second.err, "");
}

}  // namespace
}  // namespace worker_pool
