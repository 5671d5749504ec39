// The program //full_pattern:checksum, run as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "testing/pseudo_terminal.h"
#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string command(const std::string& args) {
  const char* const program = std::getenv("CHECKSUM");
  return (program != nullptr ? program : "CHECKSUM-is-not-set") + (" " + args);
}

ProgramResult checksum(const std::string& args) { return run_program(command(args)); }

// A new folder of files for each test. Paths go through the shell, so quote() them.
class Checksum : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) / test->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string quote(const std::string& path) { return "'" + path + "' "; }

  // A command that runs the program in the folder.
  std::string in_folder(const std::string& args) const {
    return "program=$(realpath \"$CHECKSUM\") && cd " + quote(folder_.string()) +
           "&& exec \"$program\" " + args;
  }

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

  const Watchdog watchdog_;
  std::filesystem::path folder_;
};

TEST_F(Checksum, PrintsTheLineOfTheCksumCommand) {
  const std::string digits = file("digits", "123456789");
  const ProgramResult run = checksum(quote(digits));
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out, "930766865 9 " + digits + "\n");
  EXPECT_EQ(run.err, "");
}

TEST_F(Checksum, AgreesWithTheCksumCommandOnManyFilesInTheOrderGiven) {
  std::string args;
  for (int i = 0; i < 150; ++i) {  // more than fit into the queue, the largest first
    const auto size = static_cast<std::size_t>((150 - i) * 1'000);
    args += quote(file("file " + std::to_string(i), std::string(size, static_cast<char>(i))));
  }
  const ProgramResult run = checksum("--workers=4 " + args);
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out, run_program("cksum " + args).out);
}

TEST_F(Checksum, SameFileTwiceIsTwoLines) {
  const std::string a = file("a", "a");
  const ProgramResult run = checksum(quote(a) + quote(a));
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out, "1220704766 1 " + a + "\n1220704766 1 " + a + "\n");
}

TEST_F(Checksum, UnreadableFilesAreErrorsAndTheRestIsDone) {
  const std::string a = file("a", "a");
  const ProgramResult run =
      checksum(quote(path("missing")) + quote(a) + quote(folder_.string()) + quote(a));
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out, "1220704766 1 " + a + "\n1220704766 1 " + a + "\n");
  EXPECT_EQ(run.err, "checksum: " + path("missing") + ": No such file or directory\n" +
                         "checksum: " + folder_.string() + ": Is a directory\n");
}

TEST_F(Checksum, EmptyNameIsQuoted) {
  const ProgramResult run = checksum("''");
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.err, "checksum: '': No such file or directory\n");
}

// A name must not forge lines or send escape sequences to the terminal.
TEST_F(Checksum, StrangeNamesAreQuotedInErrors) {
  const ProgramResult run = checksum("\"$(printf 'no\\n\\033[31m')\" " + std::string(5'000, 'x'));
  EXPECT_EQ(run.status, 1);
  const std::vector<std::string> lines = lines_of(run.err);
  ASSERT_EQ(lines.size(), 2u) << run.err;
  EXPECT_EQ(lines[0], "checksum: 'no'$'\\n\\033''[31m': No such file or directory");
  EXPECT_THAT(lines[1], EndsWith("xxx: File name too long"));
  EXPECT_LT(lines[1].size(), 600u);
}

TEST_F(Checksum, StrangeNamesArePrintedLikeTheCksumCommandInResults) {
  file("a\nb\x1b[m", "a");
  EXPECT_EQ(run_program(in_folder("./a*")).out, "1220704766 1 ./a\nb\x1b[m\n");
}

TEST_F(Checksum, DashIsStandardInput) {
  file("a", "a");
  const ProgramResult run = run_program("printf 123456789 | (" + in_folder("a - ./a") + ")");
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out, "1220704766 1 a\n930766865 9 -\n1220704766 1 ./a\n");
}

// Linux refuses to open /dev/stdin then.
TEST_F(Checksum, StandardInputMayBeASocket) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  ASSERT_EQ(write(ends[0], "123456789", 9), 9);
  close(ends[0]);
  const ProgramResult run = checksum("- <&" + std::to_string(ends[1]));
  close(ends[1]);
  EXPECT_EQ(run.out, "930766865 9 -\n") << run.err;
}

TEST_F(Checksum, ClosedStandardInputIsAnErrorAndNotEmpty) {
  const ProgramResult run = checksum("- <&-");
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err, "checksum: -: Bad file descriptor\n");
}

TEST_F(Checksum, NameThatLooksLikeAFlagGoesAfterTwoDashes) {
  file("--a", "a");
  const ProgramResult run = run_program(in_folder("-- --a"));
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out, "1220704766 1 --a\n");
}

TEST_F(Checksum, NamesAreRelativeToTheFolderThatBazelRunWasCalledIn) {
  file("a", "a");
  const ProgramResult run =
      run_program("BUILD_WORKING_DIRECTORY=" + quote(folder_.string()) + "\"$CHECKSUM\" a");
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out, "1220704766 1 a\n");
}

TEST_F(Checksum, FileThatNeverEndsFailsAtItsDeadline) {
  const ProgramResult run = checksum("--timeout_ms=50 --cancel_ms=86400000 /dev/zero");
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, StartsWith("checksum: /dev/zero: deadline exceeded"));
}

// Opening a pipe that has no writer blocks in the operating system, where a context has no effect.
// The program exits all the same.
TEST_F(Checksum, WorkerStuckOnAPipeIsAbandoned) {
  const std::string pipe = path("pipe");
  ASSERT_EQ(run_program("mkfifo " + quote(pipe)).status, 0);
  const ProgramResult run = checksum("--workers=1 --timeout_ms=600 " + quote(pipe) + quote(pipe));
  EXPECT_EQ(run.status, 3);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, StartsWith("checksum: " + pipe +
                                  ": still being read, or out of memory: abandoned\n"));
  EXPECT_EQ(std::ranges::count(run.err, '\n'), 2) << "a line for each file: " << run.err;
}

TEST_F(Checksum, OutputThatCannotBeWrittenIsAnError) {
  const ProgramResult run = checksum(quote(file("a", "a")) + " >/dev/full");
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.err, "checksum: cannot write to standard output\n");
}

TEST_F(Checksum, OutputThatNothingReadsIsAnError) {
  const std::string a = quote(file("a", "a"));
  for (const std::string& line :
       {without_reader(command(a)), command(a + " >&-"), command(a + "<&- >&-"),
        without_reader(command("--help")), command("--help >&-"), command("--help >/dev/full")}) {
    const ProgramResult run = run_program(line);
    EXPECT_EQ(run.status, 1) << line;
    EXPECT_EQ(run.err, "checksum: cannot write to standard output\n") << line;
  }
}

constexpr auto kErased = "\r\x1b[K";

// Returns the lines that a user sees after a terminal has received `text`.
std::vector<std::string> screen_after(std::string text) {
  std::vector<std::string> lines = {""};
  std::size_t column = 0;
  while (!text.empty()) {
    const bool erases = text.starts_with("\x1b[K");
    if (erases) {
      lines.back().resize(std::min(column, lines.back().size()));
    } else if (text.front() == '\n') {
      lines.emplace_back();
      column = 0;
    } else if (text.front() == '\r') {
      column = 0;
    } else {
      lines.back().resize(std::max(column + 1, lines.back().size()), ' ');
      lines.back()[column++] = text.front();
    }
    text.erase(0, erases ? 3 : 1);
  }
  return lines;
}

TEST_F(Checksum, ProgressAndResultsShareATerminalWithoutTouching) {
  std::string args = "--workers=4 ";
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) {
    const std::string name = std::to_string(i);
    file(name, "a");
    args += name + " missing" + name + " ";
    expected.push_back("1220704766 1 " + name);
    expected.push_back("checksum: missing" + name + ": No such file or directory");
  }
  expected.emplace_back("");
  const ProgramResult run = run_on_terminal(in_folder(args));
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.out, HasSubstr(" of 200 files"));
  EXPECT_EQ(screen_after(run.out), expected);
}

TEST_F(Checksum, ShowsItsProgressWhenOnlyTheErrorsGoToATerminal) {
  const std::string results = path("results");
  const ProgramResult run = run_on_terminal(command(quote(file("a", "a"))) + " >" + quote(results));
  EXPECT_THAT(run.out, StartsWith("\r0 of 1 file"));
  EXPECT_THAT(run.out, EndsWith(kErased));
}

TEST_F(Checksum, ShowsNoProgressWhenTheErrorsGoElsewhere) {
  const std::string a = file("a", "a");
  const ProgramResult run = run_on_terminal(command(quote(a)) + " 2>" + quote(path("errors")) +
                                            "; cat " + quote(path("errors")));
  EXPECT_EQ(run.out, "1220704766 1 " + a + "\n");
}

TEST_F(Checksum, ShowsNoProgressOnATerminalThatCannotEraseIt) {
  const std::string a = file("a", "a");
  const ProgramResult run = run_on_terminal("TERM=dumb " + command(quote(a)));
  EXPECT_EQ(run.out, "1220704766 1 " + a + "\n");
}

TEST_F(Checksum, QuietShowsNoProgressOnATerminal) {
  const std::string a = file("a", "a");
  const ProgramResult run = run_on_terminal(command("--quiet " + quote(a)));
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.out, "1220704766 1 " + a + "\n");
}

TEST_F(Checksum, ProgressStaysOnOneLineOfANarrowTerminal) {
  const ProgramResult run = run_on_terminal(command(quote(file("a", "a"))), 7);
  EXPECT_THAT(run.out, StartsWith("\r0 of 1\x1b[K"));
  EXPECT_THAT(run.out, HasSubstr("\r1 of 1\x1b[K"));
}

// The worker hangs on the first file. The second is handed back without being started.
TEST_F(Checksum, ProgressCountsFilesThatWereNeverStarted) {
  const std::string pipe = path("pipe");
  ASSERT_EQ(run_program("mkfifo " + quote(pipe)).status, 0);
  const ProgramResult run = run_on_terminal(
      command("--workers=1 --timeout_ms=600 " + quote(pipe) + quote(file("a", "a"))));
  EXPECT_EQ(run.status, 3);
  EXPECT_THAT(run.out, StartsWith("\r0 of 2 files"));
  EXPECT_THAT(run.out, HasSubstr(kErased + ("checksum: " + pipe) + ": still being read"));
}

TEST_F(Checksum, HelpNamesEveryFlag) {
  const ProgramResult run = checksum("--help");
  EXPECT_EQ(run.status, 0);
  for (const char* flag :
       {"FILE...", "--workers", "--timeout_ms", "--cancel_ms", "--quiet", "--help"}) {
    EXPECT_THAT(run.out, HasSubstr(flag));
  }
}

class ChecksumRefuses : public ::testing::TestWithParam<const char*> {};

TEST_P(ChecksumRefuses, BadCommandLineInOneLineAndStartsNothing) {
  const Watchdog watchdog;
  const ProgramResult run = checksum(GetParam());
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, StartsWith("checksum: "));
  EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
}

INSTANTIATE_TEST_SUITE_P(Flags, ChecksumRefuses,
                         ::testing::Values("", "--workers=0 /dev/null", "--timeout_ms=-1 /dev/null",
                                           "--timeout_ms=soon /dev/null", "--quiet=no /dev/null",
                                           "--unknown /dev/null", "- a -"));

}  // namespace
}  // namespace worker_pool
