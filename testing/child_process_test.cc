#include "testing/child_process.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <system_error>
#include <vector>

#include "testing/watchdog.h"

namespace worker_pool {
namespace {

std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

TEST(ChildProcess, ReadsBothStreamsAndTheExitStatus) {
  const Watchdog watchdog;
  ChildProcess child(watchdog, shell("echo out; echo err >&2; exit 7"));
  EXPECT_EQ(child.wait(), 7);
  EXPECT_EQ(child.output(), "out\nerr\n");
}

TEST(ChildProcess, TalksWhileItRuns) {
  const Watchdog watchdog;
  ChildProcess child(watchdog, {"/bin/cat"});
  child.write_line("first");
  child.await_line("first");
  child.write_line("second");
  child.await_line("second");
  EXPECT_EQ(child.wait(), 0) << "cat exits at the end of its input";
}

TEST(ChildProcess, LineThatNeverComesIsAFailureThatShowsWhatCame) {
  EXPECT_FATAL_FAILURE(
      {
        const Watchdog watchdog;
        ChildProcess child(watchdog, shell("echo something else"));
        child.await_line("this");
      },
      "without printing \"this\". It printed:\nsomething else");
}

TEST(ChildProcess, SignalThatKillsIsItsStatus) {
  const Watchdog watchdog;
  for (const int signal : {SIGINT, SIGTERM, SIGKILL}) {
    ChildProcess child(watchdog, {"/bin/cat"});
    child.await_sleep();
    child.send_signal(signal);
    EXPECT_EQ(child.wait(), 128 + signal);
  }
}

TEST(ChildProcess, AfterItsEndItIsAFailureToTalkToIt) {
  EXPECT_FATAL_FAILURE(
      {
        const Watchdog watchdog;
        ChildProcess child(watchdog, {"/bin/true"});
        (void)child.wait();
        child.send_signal(SIGTERM);
      },
      "the child has exited");
  EXPECT_NONFATAL_FAILURE(
      {
        const Watchdog watchdog;
        ChildProcess child(watchdog, shell("exec <&-; echo closed; read line"));
        child.await_line("closed");
        child.write_line("an unread line");
      },
      "an unread line");
}

TEST(ChildProcess, IsKilledWhenTheTestForgetsIt) {
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for the destructor");
  ChildProcess child(watchdog, shell("trap '' TERM; while :; do read line; done"));
}

TEST(ChildProcess, ProgramThatIsNotThereIsAnErrorWithItsName) {
  const Watchdog watchdog;
  try {
    ChildProcess child(watchdog, {"/no/such/program"});
    FAIL() << "no error";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("/no/such/program"), std::string::npos);
  }
}

}  // namespace
}  // namespace worker_pool
