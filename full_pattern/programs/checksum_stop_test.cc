// The program //full_pattern:checksum while it runs: when it prints, and how a signal stops it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "testing/child_process.h"
#include "testing/pseudo_terminal.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr auto kFirst = "checksum: SIGINT: finishing the open files; another signal cancels them";
constexpr auto kSecond = "checksum: SIGINT: canceled; another signal leaves at once";

// The program reads a named pipe, which ends when the test wants it to.
class ChecksumOfAPipe : public ::testing::Test {
 protected:
  void start(const std::string& args) {
    const char* const program = std::getenv("CHECKSUM");
    ASSERT_NE(program, nullptr);
    const std::string path = std::filesystem::absolute(program);
    program_.emplace(watchdog_, std::vector<std::string>{"/bin/sh", "-c",
                                                         "cd '" + folder_.string() + "' && exec '" +
                                                             path + "' " + args});
  }

  // Blocks until the program has opened the pipe.
  void open_pipe() { pipe_.open(folder_ / "pipe"); }

  void finish_pipe() {
    pipe_ << "123456789";
    pipe_.close();
  }

  // Creates the files a, b and c, and the pipe, in a new folder for each test.
  void SetUp() override {
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) / test->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    for (const std::string name : {"a", "b", "c"}) std::ofstream(folder_ / name) << "a";
    ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  }

  const Watchdog watchdog_;
  std::filesystem::path folder_;
  std::optional<ChildProcess> program_;
  std::ofstream pipe_;
};

TEST_F(ChecksumOfAPipe, ResultIsPrintedAsSoonAsThoseBeforeItAre) {
  start("--workers=2 a pipe b");
  program_->await_line("1220704766 1 a");
  open_pipe();
  finish_pipe();
  EXPECT_EQ(program_->wait(), 0);
  EXPECT_EQ(program_->output(), "1220704766 1 a\n930766865 9 pipe\n1220704766 1 b\n");
}

TEST_F(ChecksumOfAPipe, FirstSignalFinishesWhatIsOpenAndNamesTheRest) {
  start("--workers=1 a pipe b c");
  open_pipe();
  program_->await_line("1220704766 1 a");
  program_->send_signal(SIGINT);
  program_->await_line(kFirst);
  finish_pipe();
  EXPECT_EQ(program_->wait(), 1);
  EXPECT_EQ(program_->output(), "1220704766 1 a\n" + (kFirst + std::string("\n")) +
                                    "930766865 9 pipe\nchecksum: 2 files were not read: b c\n");
}

TEST_F(ChecksumOfAPipe, FirstSignalEndsTheWaitForRoomInTheQueue) {
  std::string many;
  for (int i = 0; i < 300; ++i) many += " c";
  start("--workers=1 --timeout_ms=86400000 pipe" + many);
  open_pipe();
  program_->send_signal(SIGINT);
  program_->await_line(kFirst);
  finish_pipe();
  EXPECT_EQ(program_->wait(), 1);
  EXPECT_THAT(program_->output(),
              EndsWith("930766865 9 pipe\nchecksum: 300 files were not read: c c"
                       " c c c c c c c c ...\n"));
}

TEST_F(ChecksumOfAPipe, SignalThatLeavesNothingUnreadIsNoError) {
  start("--workers=1 a pipe");
  open_pipe();
  program_->send_signal(SIGINT);
  program_->await_line(kFirst);
  finish_pipe();
  EXPECT_EQ(program_->wait(), 0);
  EXPECT_THAT(program_->output(), EndsWith("930766865 9 pipe\n"));
}

TEST_F(ChecksumOfAPipe, SecondSignalCancelsWhatIsOpen) {
  start("--workers=1 --cancel_ms=86400000 a pipe b");
  open_pipe();
  program_->send_signal(SIGINT);
  program_->await_line(kFirst);
  program_->send_signal(SIGINT);
  program_->await_line(kSecond);
  const std::string piece(64 * 1024, 'x');
  while (pipe_ << piece) {  // until the program closes the pipe
  }
  EXPECT_EQ(program_->wait(), 1);
  EXPECT_THAT(program_->output(), EndsWith("checksum: 2 files were not read: pipe b\n"));
}

// Nothing reads the results: the pipe is full.
TEST_F(ChecksumOfAPipe, WorkersAndProgressDoNotWaitForAReaderOfTheResults) {
  const int out = open((folder_ / "pipe").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  while (write(out, "x", 1) == 1) {
  }
  PseudoTerminal terminal(80);
  setenv("TERM", "xterm", 1);
  start("--workers=1 a b >pipe 2>" + terminal.path());
  const auto note = watchdog_.waiting("test: for the progress of the last file");
  std::string seen;
  while (seen.find("2 of 2 files") == seen.npos) seen += terminal.read();
  program_->send_signal(SIGKILL);
  EXPECT_EQ(program_->wait(), 128 + SIGKILL) << "it waits with the results";
  close(out);
}

// Standard input ends in wait(). The program may have begun to read it before it noticed the error.
TEST_F(ChecksumOfAPipe, NoMoreFilesAreReadWhenTheResultsCannotBeWritten) {
  start("--workers=1 a - b >/dev/full");
  program_->await_line("checksum: cannot write to standard output");
  EXPECT_EQ(program_->wait(), 1);
  EXPECT_THAT(program_->output(), HasSubstr(" not read: "));
  EXPECT_THAT(program_->output(), EndsWith(" b\n"));
}

}  // namespace
}  // namespace worker_pool
