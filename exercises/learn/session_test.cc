#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "exercises/learn/fake_clone.h"
#include "testing/run_program.h"
#include "testing/terminal_child.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

// The last of the keys: the screen is complete.
const std::string kKeys = "q quit ";

class LearnSession : public ::testing::Test {
 protected:
  LearnSession() {
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
  }

  TerminalChild start(const std::string& argument = "") const {
    return TerminalChild(
        watchdog_, {"/bin/sh", "-c", "cd \"$1\" && exec ./learn $2", "sh", clone_.path(), argument},
        {});
  }

  // Blocks until a screen with this text is complete.
  static void await_screen(TerminalChild& child, const std::string& text) {
    child.await(text);
    child.await(kKeys);
  }

  // Blocks until the program in this clone has stopped. On other systems than Linux it returns at
  // once.
  void await_stopped_program() const {
#if defined(__linux__)
    watchdog_.await("the program to stop", [this] {
      for (const auto& process : std::filesystem::directory_iterator("/proc")) {
        std::error_code none;  // no process, or not ours
        const auto program = std::filesystem::read_symlink(process.path() / "exe", none);
        const auto folder = std::filesystem::read_symlink(process.path() / "cwd", none);
        if (program.filename() == "learn" && folder == clone_.path())
          return contents(process.path() / "stat").contains(") T ");
      }
      return false;
    });
#endif
  }

  static std::string last_screen(const TerminalChild& child) {
    return child.output().substr(child.output().rfind("\x1b[2J") + 4);
  }

  const Watchdog watchdog_{std::chrono::seconds(30)};
  const FakeClone clone_;
};

TEST_F(LearnSession, ShowsTheNextExerciseItsStoryAndItsLessonButNothingOfBazel) {
  TerminalChild child = start();
  await_screen(child, "LESSON: the worker sleeps forever");
  const std::string screen = last_screen(child);
  EXPECT_TRUE(screen.contains("01_first")) << screen;
  EXPECT_TRUE(screen.contains("0 of 3 solved   2. Worker --   3. Dispatcher -\n")) << screen;
  EXPECT_TRUE(screen.contains("FAILED First.Test (exercises/01_first/test.cc:25)\n")) << screen;
  for (const char* noise : {"INFO", "FAIL:", "=====", "Executed", "bazel"})
    EXPECT_FALSE(child.output().contains(noise)) << noise << " in:\n" << child.output();
  child.type("q");
  EXPECT_EQ(child.wait(), 0);
}

TEST_F(LearnSession, RunsTheTestAgainAfterEachSave) {
  TerminalChild child = start();
  await_screen(child, "deadlock of 01_first: starter");
  clone_.save("01_first", "second try");
  await_screen(child, "deadlock of 01_first: second try");
  clone_.replace("01_first", "third try");
  await_screen(child, "deadlock of 01_first: third try");
  clone_.replace("01_first", "GREEN");
  await_screen(child, "GREEN");
  EXPECT_TRUE(last_screen(child).contains("1 of 3 solved")) << last_screen(child);
}

TEST_F(LearnSession, ASaveDuringATestRunsItAgainAndItsOldVerdictIsNotShown) {
  clone_.save("01_first", "BLOCK");
  TerminalChild child = start();
  const int gate = open(clone_.gate().c_str(), O_WRONLY);  // blocks until the test is running
  clone_.replace("01_first", "GREEN");
  EXPECT_EQ(write(gate, "\n", 1), 1);
  close(gate);
  await_screen(child, "1 of 1 tests passed");
  EXPECT_FALSE(child.output().contains("BLOCK")) << child.output();
}

TEST_F(LearnSession, ShowsOneHintAfterTheOther) {
  TerminalChild child = start();
  await_screen(child, "LESSON");
  child.type("h");
  await_screen(child, "Hint 1: where to start\n\nRead the first function.\n");
  EXPECT_FALSE(child.output().contains("Hint 2:")) << child.output();
  child.type("h");
  await_screen(child, "Hint 2: the idea\n\nLock the mutex.\n\nThis is the last hint.");
  child.type("h");
  await_screen(child, "Hint 1: where to start");
}

TEST_F(LearnSession, WhyIsRefusedBeforeGreenThenShownAndThenComesTheNext) {
  TerminalChild child = start();
  await_screen(child, "LESSON");
  child.type("w");
  await_screen(child, "Why the fix works is shown once the test is green.");
  EXPECT_FALSE(child.output().contains("The lock orders")) << child.output();
  child.type("n");
  clone_.save("01_first", "GREEN");
  await_screen(child, "GREEN");
  child.type("w");
  await_screen(child, "The lock orders them.\n\nCard: WP-03\n\n");
  child.type("n");
  await_screen(child, "deadlock of 03_third");
}

TEST_F(LearnSession, ListsAndSkips) {
  TerminalChild child = start();
  await_screen(child, "LESSON");
  child.type("l");
  await_screen(child, "  next      01_first   the first bug\n  unsolved  03_third");
  child.type("s");
  await_screen(child, "deadlock of 03_third");
  child.type("s");
  await_screen(child, "deadlock of 02_second");
  child.type("s");
  await_screen(child, "deadlock of 01_first");
}

TEST_F(LearnSession, ProposesTheExercisesInTheOrderOfTheTableWhateverTheirNumbersAre) {
  clone_.write_table({{"02_second", "[2. Worker](../step2/README.md#sitting-1), sitting 1"},
                      {"01_first", "[2. Worker](../step2/README.md#sitting-2), sitting 2"},
                      {"03_third", "[3. Dispatcher](../step3/README.md)"}});
  TerminalChild child = start();
  await_screen(child, "deadlock of 02_second");
  clone_.save("02_second", "GREEN");
  await_screen(child, "GREEN");
  child.type("n");
  await_screen(child, "deadlock of 01_first");
  child.type("s");
  await_screen(child, "deadlock of 03_third");
}

TEST_F(LearnSession, ResumesWhereTheLearnerStopped) {
  {
    TerminalChild child = start();
    await_screen(child, "LESSON");
    child.type("s");
    await_screen(child, "deadlock of 03_third");
    child.type("q");
    EXPECT_EQ(child.wait(), 0);
  }
  TerminalChild child = start();
  await_screen(child, "deadlock of 03_third");
}

TEST_F(LearnSession, OpensTheExerciseThatIsNamed) {
  TerminalChild child = start("02");
  await_screen(child, "deadlock of 02_second");
}

TEST_F(LearnSession, ResetAsksFirst) {
  clone_.save("01_first", "my try");
  TerminalChild child = start();
  await_screen(child, "deadlock of 01_first: my try");
  child.type("r");
  child.await("This runs: git checkout -- exercises/01_first");
  child.type("n");
  await_screen(child, "Nothing was changed.");
  EXPECT_EQ(contents(clone_.file("01_first")), "my try\n");
  child.type("r");
  child.await("This runs: git checkout -- exercises/01_first");
  child.type("y");
  await_screen(child, "deadlock of 01_first: starter");
  EXPECT_EQ(contents(clone_.file("01_first")), "starter\n");
  child.type("q");
  EXPECT_EQ(child.wait(), 0);
}

TEST_F(LearnSession, ASaveEndsTheQuestionWhetherToReset) {
  TerminalChild child = start();
  await_screen(child, "deadlock of 01_first: starter");
  child.type("r");
  child.await("This runs: git checkout -- exercises/01_first");
  clone_.replace("01_first", "BLOCK");
  child.await("Testing ...");
  const int gate = open(clone_.gate().c_str(), O_WRONLY);  // blocks until the test is running
  child.type("y");
  child.await("Testing ...");
  EXPECT_EQ(contents(clone_.file("01_first")), "BLOCK\n");
  signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(write(gate, "\n", 1), 1) << "the test was ended";
  close(gate);
  await_screen(child, "deadlock of 01_first: ");
}

// The other one writes its position before the script of this one reads anything.
TEST_F(LearnSession, ResetUndoesItsOwnExerciseWhateverAnotherSessionShows) {
  clone_.save("01_first", "my try");
  clone_.save("03_third", "of the other session");
  std::filesystem::rename(clone_.path() + "/bazelw", clone_.path() + "/bazelw.first");
  clone_.add_program("bazelw",
                     "./bazelw.first \"$@\"\nstatus=$?\n"
                     "[ \"$1\" = run ] && echo 'at 03_third' >.learn\nexit $status");
  TerminalChild child = start("01");
  await_screen(child, "deadlock of 01_first: my try");
  child.type("ry");
  await_screen(child, "deadlock of 01_first: starter");
  EXPECT_EQ(contents(clone_.file("03_third")), "of the other session\n");
}

TEST_F(LearnSession, ShowsTheFirstCompileErrorFirst) {
  clone_.save("01_first", "BROKEN");
  TerminalChild child = start();
  await_screen(child, "DOES NOT COMPILE");
  const std::string screen = last_screen(child);
  EXPECT_TRUE(screen.contains("\nexercises/01_first/code.h:7:3: error: the first error\n"))
      << screen;
  EXPECT_TRUE(screen.contains("the second error")) << screen;
  EXPECT_FALSE(screen.contains("In file included")) << screen;
  EXPECT_FALSE(screen.contains("sandbox")) << screen;
}

TEST_F(LearnSession, ShowsWhatBazelSaysIfItCannotRunTheTest) {
  clone_.save("01_first", "BAZEL");
  TerminalChild child = start();
  await_screen(child, "ERROR: no such package\nBazel ended with status 7.");
  clone_.save("01_first", "GREEN");
  await_screen(child, "GREEN");
}

TEST_F(LearnSession, NamesTheStage) {
  clone_.save("01_first", "STAGE");
  TerminalChild child = start();
  await_screen(child, "in stage: 2: the worker");
}

TEST_F(LearnSession, ALongStoryFitsOn24RowsAndAKeyShowsAllOfIt) {
  clone_.save("01_first", "LONG");
  TerminalChild child = start();
  await_screen(child, "LESSON");
  const std::string screen = last_screen(child);
  EXPECT_LE(lines_of(screen).size(), 24U) << screen;
  EXPECT_TRUE(screen.contains("Schedule 19 breaks it")) << screen;
  EXPECT_TRUE(screen.contains("more lines: press a")) << screen;
  EXPECT_TRUE(screen.contains("deadlock of 01_first")) << screen;
  EXPECT_TRUE(screen.contains("LESSON: the worker sleeps forever")) << screen;
  for (const std::string& line : lines_of(screen)) {
    const bool is_painted = line.contains('\x1b');
    EXPECT_TRUE(is_painted || line.size() <= 80) << line;
  }
  child.type("a");
  await_screen(child, "  main  step 1\n");
  EXPECT_TRUE(last_screen(child).contains("  main  step 60\n")) << last_screen(child);
}

TEST_F(LearnSession, ObeysNoColorAndTermDumb) {
  setenv("NO_COLOR", "1", 1);
  {
    TerminalChild child = start();
    await_screen(child, "RED\n");
    EXPECT_FALSE(child.output().contains("\x1b[3")) << child.output();
    child.type("q");
    EXPECT_EQ(child.wait(), 0);
  }
  unsetenv("NO_COLOR");
  setenv("TERM", "dumb", 1);
  TerminalChild child = start();
  await_screen(child, "RED\n");
  EXPECT_FALSE(child.output().contains('\x1b')) << child.output();
  child.type("h");
  await_screen(child, "Hint 1: where to start");
}

TEST_F(LearnSession, CtrlCDuringATestEndsTheTestAndLeavesTheTerminalAsItWas) {
  clone_.save("01_first", "BLOCK");
  TerminalChild child = start();
  const int gate = open(clone_.gate().c_str(), O_WRONLY);
  child.await(kKeys);
  EXPECT_FALSE(child.echoes()) << "keys are read one at a time";
  child.type("\x03");
  EXPECT_EQ(child.wait(), 128 + SIGINT) << child.output();
  EXPECT_TRUE(child.echoes());
  signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(write(gate, "\n", 1), -1) << "the test is still running, and reads the gate";
  EXPECT_EQ(errno, EPIPE);
  close(gate);
}

// For most signals, the script `learn` has a status of its own, so here is none.
class LearnProgram : public LearnSession {
 protected:
  LearnProgram() { setenv("BUILD_WORKSPACE_DIRECTORY", clone_.path().c_str(), 1); }
  ~LearnProgram() override { unsetenv("BUILD_WORKSPACE_DIRECTORY"); }

  const std::string program_ = std::filesystem::absolute("exercises/learn/learn");
};

TEST_F(LearnProgram, ASignalIsItsStatus) {
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
    TerminalChild child(watchdog_, {program_}, {});
    await_screen(child, "LESSON");
    EXPECT_FALSE(child.echoes());
    child.send_signal(number);
    EXPECT_EQ(child.wait(), 128 + number) << child.output();
    EXPECT_TRUE(child.echoes()) << "after signal " << number;
  }
}

TEST_F(LearnProgram, UnderNohupAHangUpDoesNotEndIt) {
  TerminalChild child(watchdog_, {"/bin/sh", "-c", "trap '' HUP; exec \"$1\"", "sh", program_}, {});
  await_screen(child, "LESSON");
  child.send_signal(SIGHUP);
  child.type("h");
  await_screen(child, "Hint 1: where to start");
  child.type("q");
  EXPECT_EQ(child.wait(), 0);
}

TEST_F(LearnSession, AHangUpEndsTheScriptTooAndLeavesTheTerminalAsItWas) {
  for (const int number : {SIGHUP, SIGTERM, SIGQUIT}) {
    TerminalChild child = start();
    await_screen(child, "LESSON");
    EXPECT_FALSE(child.echoes());
    child.send_signal(number);
    EXPECT_EQ(child.wait(), 128 + number) << child.output();
    EXPECT_TRUE(child.echoes()) << "after signal " << number;
  }
}

// Ctrl-Z stops the script and the shell takes the terminal, before the program notices.
TEST_F(LearnSession, CtrlZStopsItAndOneFgContinuesIt) {
  TerminalChild child(
      watchdog_,
      {"/bin/sh", "-c",
       "set -m; cd \"$1\" && ./learn; echo stopped; read line; echo on; fg; echo \"= $?\"", "sh",
       clone_.path()},
      {});
  await_screen(child, "LESSON");
  child.type("\x1a");
  child.await("stopped\n");
  await_stopped_program();
  child.type("\n");
  child.await("on\n");
  child.type("h");
  await_screen(child, "Hint 1: where to start");
  EXPECT_FALSE(child.echoes());
  child.type("q");
  child.await("= 0\n");
  EXPECT_TRUE(child.echoes());
}

// Nothing would continue it.
TEST_F(LearnSession, CtrlZDoesNothingWithoutAShell) {
  TerminalChild child = start();
  await_screen(child, "LESSON");
  child.type("\x1a");
  child.type("h");
  await_screen(child, "Hint 1: where to start");
}

TEST_F(LearnSession, SaysThatAllAreSolved) {
  for (const char* name : {"01_first", "02_second", "03_third"}) clone_.save(name, "GREEN");
  TerminalChild child = start();
  await_screen(child, "GREEN");
  child.type("n");
  await_screen(child, "2 of 3 solved");
  child.type("n");
  await_screen(child, "All 3 exercises are solved.");
}

}  // namespace
}  // namespace worker_pool
