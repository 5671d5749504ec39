#include "testing/run_program.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>

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

TEST(RunProgram, WorksInAFolderWhoseNameAShellWouldSplit) {
  Watchdog watchdog;
  const std::string folder = ::testing::TempDir() + "/it's \"so\" $HOME";
  std::filesystem::create_directory(folder);
  const char* before = std::getenv("TEST_TMPDIR");
  const std::string saved = before == nullptr ? "" : before;
  setenv("TEST_TMPDIR", folder.c_str(), 1);
  const ProgramResult result = run_program("echo out; echo err >&2");
  const int unread = run_program(without_reader("echo x")).status;
  if (before == nullptr) {
    unsetenv("TEST_TMPDIR");
  } else {
    setenv("TEST_TMPDIR", saved.c_str(), 1);
  }
  EXPECT_EQ(result.out + result.err, "out\nerr\n");
  EXPECT_EQ(unread, 128 + SIGPIPE);
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
