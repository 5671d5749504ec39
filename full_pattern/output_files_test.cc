// The files of --trace and --metrics, on the disks and behind the names that users have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "testing/child_process.h"
#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string program() {
  const char* const path = std::getenv("FULL_PATTERN");
  return path != nullptr ? std::filesystem::absolute(path).string() : "FULL_PATTERN-is-not-set";
}

// A new folder for each test, in which the shell's commands run.
class OutputFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) / test->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  void create(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }

  // Runs shell commands, in which RUN stands for the program with one short job.
  ProgramResult shell(const std::string& commands) const {
    return run_program("cd '" + folder_.string() + "' && { " + with_program(commands) + "; }");
  }

  static std::string with_program(std::string commands) {
    const std::string run = "'" + program() + "' --workers=1 --jobs=1 --work_ms=0";
    for (auto at = commands.find("RUN"); at != commands.npos; at = commands.find("RUN")) {
      commands.replace(at, 3, run);
    }
    return commands;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  const Watchdog watchdog_;
  std::filesystem::path folder_;
};

// Five lines are printed without a report, the last one after the reports.
void expect_whole_report(const std::string& out) {
  EXPECT_THAT(out,
              HasSubstr("Worker 1 started job 1\nWorker 1 finished job 1\nShutdown: drained."));
  EXPECT_THAT(out, EndsWith("Shutdown complete\n"));
}

// --- Runs that end early -------------------------------------------------------------------------

TEST_F(OutputFiles, KilledRunLeavesTheOldFilesAndNothingElse) {
  create("trace", "old trace");
  create("metrics", "old metrics");
  for (const int signal : {SIGKILL, SIGTERM}) {
    ChildProcess run(watchdog_,
                     {program(), "--workers=1", "--work_ms=3600000", "--drain_ms=3600000",
                      "--trace=" + path("trace"), "--metrics=" + path("metrics")});
    run.await_line("Worker 1 started job 1");
    run.send_signal(signal);
    if (signal == SIGTERM) {
      run.await_line(
          "full_pattern: SIGTERM: accepting no more jobs; another signal cancels the accepted "
          "ones");
      run.send_signal(SIGKILL);
    }
    EXPECT_EQ(run.wait(), 128 + SIGKILL);
    EXPECT_EQ(contents(path("trace")), "old trace");
    EXPECT_EQ(contents(path("metrics")), "old metrics");
    EXPECT_THAT(names(), ElementsAre("metrics", "trace"));
  }
}

TEST_F(OutputFiles, RefusedCommandLineLeavesTheOldFiles) {
  create("trace", "old trace");
  const ProgramResult run = shell("RUN --trace=trace --metrics=no/such/folder");
  EXPECT_EQ(run.status, 2);
  EXPECT_EQ(run.err,
            "full_pattern: no/such/folder: cannot be written: No such file or directory\n");
  EXPECT_EQ(contents(path("trace")), "old trace");
}

// --- Standard streams ----------------------------------------------------------------------------

TEST_F(OutputFiles, DashMeansStandardOutput) {
  for (const std::string flag : {"--trace=-", "--metrics=-"}) {
    const ProgramResult run = shell("RUN " + flag);
    EXPECT_EQ(run.status, 0) << run.err;
    expect_whole_report(run.out);
    EXPECT_THAT(run.out, HasSubstr(flag == "--trace=-" ? "traceEvents" : "# HELP worker_pool"));
    EXPECT_THAT(names(), ElementsAre()) << "a file was created";
  }
}

TEST_F(OutputFiles, NameOfStandardOutputIsWrittenThroughItAndKeepsWhatIsThere) {
  for (const std::string name :
       {"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "log", "./hard_link", "symbolic_link"}) {
    for (const std::string redirect : {">log", ">>log"}) {
      std::filesystem::remove(path("hard_link"));
      std::filesystem::remove(path("symbolic_link"));
      create("log", "old line\n");
      std::filesystem::create_hard_link(path("log"), path("hard_link"));
      std::filesystem::create_symlink("log", path("symbolic_link"));
      const ProgramResult run = shell("RUN --metrics=" + name + " " + redirect);
      EXPECT_EQ(run.status, 0) << run.err;
      const std::string log = contents(path("log"));
      EXPECT_THAT(log, StartsWith(redirect == ">log" ? "Worker 1" : "old line\nWorker 1")) << name;
      EXPECT_THAT(log, HasSubstr("still running\n# HELP worker_pool_jobs_submitted")) << name;
      expect_whole_report(log);
    }
  }
}

TEST_F(OutputFiles, NameOfStandardErrorIsWrittenThroughIt) {
  for (const std::string name : {"/dev/stderr", "/proc/self/fd/2", "errors"}) {
    create("errors", "old line\n");
    const ProgramResult run = shell("RUN --metrics=" + name + " 2>>errors");
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(contents(path("errors")), StartsWith("old line\n# HELP worker_pool")) << name;
    expect_whole_report(run.out);
  }
}

TEST_F(OutputFiles, PipesOfTheShellAreWrittenInto) {
  const ProgramResult piped = shell("RUN --metrics=/dev/stdout | cat");
  expect_whole_report(piped.out);
  EXPECT_THAT(piped.out, HasSubstr("# HELP worker_pool"));
  const ProgramResult numbered = shell("{ RUN --metrics=/dev/fd/3 3>&1 >log; } | cat");
  EXPECT_THAT(numbered.out, StartsWith("# HELP worker_pool"));
  expect_whole_report(contents(path("log")));
}

TEST_F(OutputFiles, OnePlaceForBothIsRefused) {
  for (const std::string flags :
       {"--trace=- --metrics=-", "--trace=- --metrics=/dev/stdout", "--trace=a --metrics=./a",
        "--trace=/dev/stderr --metrics=/dev/stderr"}) {
    const ProgramResult run = shell("RUN " + flags);
    EXPECT_EQ(run.status, 2) << flags;
    EXPECT_EQ(run.out, "") << "something was started";
    EXPECT_THAT(run.err, StartsWith("full_pattern: "));
    EXPECT_THAT(run.err, EndsWith(": one file cannot hold both the trace and the metrics\n"));
  }
  EXPECT_EQ(shell("RUN --trace=/dev/null --metrics=/dev/null >/dev/null").status, 0);
}

TEST_F(OutputFiles, StandardOutputThatCannotBeWrittenIsOneErrorAndLosesNothingElse) {
  const ProgramResult run = shell("RUN --trace=trace --metrics=- >/dev/full");
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.err, "full_pattern: cannot write to standard output\n");
  EXPECT_THAT(contents(path("trace")), EndsWith("]}\n"));
}

// --- Disks that are full or read-only ------------------------------------------------------------

// Runs commands in a mount namespace, in which "disk" is a small file system of its own. Python
// mounts it, because some systems lack the command.
class Mounts : public OutputFiles {
 protected:
  static constexpr int kReadOnly = 1;  // MS_RDONLY, which only Linux defines

  void SetUp() override {
    OutputFiles::SetUp();
    std::filesystem::create_directory(path("disk"));
    if (with_disk(0, "16k", "true").status != 0) GTEST_SKIP() << "cannot mount a file system here";
  }

  ProgramResult with_disk(int flags, const std::string& size, const std::string& commands) const {
    create("mount.py", "import ctypes\nexit(-ctypes.CDLL(None).mount(b'none', b'disk', b'tmpfs', " +
                           std::to_string(flags) + ", b'size=" + size + "'))\n");
    create("commands", "python3 mount.py && { " + with_program(commands) + "; }\n");
    return shell("unshare --user --map-root-user --mount sh commands");
  }
};

TEST_F(Mounts, FullDiskIsAnErrorWithItsNameAndLosesNothingElse) {
  const ProgramResult run =
      with_disk(0, "16k",
                "echo old >disk/trace; RUN --jobs=1000 --trace=disk/trace "
                "--metrics=metrics; echo status $?; ls -A disk; cat disk/trace");
  EXPECT_EQ(run.err, "full_pattern: disk/trace: cannot be written: No space left on device\n");
  EXPECT_THAT(run.out, EndsWith("Shutdown complete\nstatus 1\ntrace\nold\n"));
  EXPECT_THAT(lines_of(contents(path("metrics"))),
              Contains("worker_pool_jobs_submitted_total 1000"));
}

TEST_F(Mounts, FullDiskCanLoseBothFilesAndSaysSoInOneLine) {
  const ProgramResult run = with_disk(
      0, "4k", "RUN --trace=disk/trace --metrics=disk/metrics --jobs=1000; echo status $?");
  EXPECT_EQ(run.err,
            "full_pattern: disk/trace: cannot be written: No space left on device; "
            "disk/metrics: cannot be written: No space left on device\n");
  EXPECT_THAT(run.out, EndsWith("Shutdown complete\nstatus 1\n"));
}

TEST_F(Mounts, ReadOnlyDiskIsRefusedBeforeAnythingStarts) {
  const ProgramResult run =
      with_disk(kReadOnly, "16k", "RUN --metrics=disk/metrics; echo status $?");
  EXPECT_EQ(run.err,
            "full_pattern: disk/metrics: cannot be written, because its folder takes no new file: "
            "Read-only file system\n");
  EXPECT_EQ(run.out, "status 2\n");
}

// --- Permissions and names -----------------------------------------------------------------------

TEST_F(OutputFiles, MissingPermissionIsRefusedBeforeAnythingStarts) {
  create("read_only_file", "old");
  std::filesystem::create_directory(path("read_only_folder"));
  create("read_only_folder/file", "old");
  // Permissions do not stop root, unless it gives up the power to ignore them.
  std::string limited;
  if (shell("test $(id -u) = 0").status == 0) {
    limited = "setpriv --bounding-set=-dac_override,-dac_read_search ";
    if (shell(limited + "true").status != 0) GTEST_SKIP() << "needs setpriv, or another user";
  }
  ASSERT_EQ(shell("chmod 444 read_only_file; chmod 555 read_only_folder").status, 0);
  for (const std::string name : {"read_only_file", "read_only_folder/file"}) {
    const ProgramResult run = shell(limited + "RUN --metrics=" + name);
    EXPECT_EQ(run.status, 2) << name;
    EXPECT_EQ(run.out, "") << "something was started";
    EXPECT_THAT(run.err, AllOf(StartsWith("full_pattern: " + name + ": cannot be written"),
                               EndsWith(": Permission denied\n")));
    EXPECT_EQ(contents(path(name)), "old");
  }
  ASSERT_EQ(shell("chmod 755 read_only_folder").status, 0);  // so that it can be removed
}

TEST_F(OutputFiles, StrangeNamesAreQuotedInOneShortLine) {
  for (const std::string name : {"$(printf %05000d 0)", "no/$(printf 'a\\nb\\033[31m')", "."}) {
    const ProgramResult run = shell("RUN --trace=\"" + name + "\"");
    EXPECT_EQ(run.status, 2);
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, StartsWith("full_pattern: "));
    EXPECT_THAT(run.err, HasSubstr(": cannot be written: "));
    EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << run.err;
    EXPECT_EQ(std::ranges::count(run.err, '\x1b'), 0) << run.err;
    EXPECT_LT(run.err.size(), 700u);
  }
}

}  // namespace
}  // namespace worker_pool
