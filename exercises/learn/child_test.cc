#include "exercises/learn/child.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <system_error>

#include "testing/watchdog.h"

namespace worker_pool {
namespace {

Child shell(const std::string& script) { return Child({"/bin/sh", "-c", script}); }

void await_exit(const Watchdog& watchdog, Child& child) {
  watchdog.await("the child to exit", [&] {
    child.read_output();
    return child.has_exited();
  });
}

void await_output(const Watchdog& watchdog, Child& child, const std::string& text) {
  watchdog.await("the child to print " + text, [&] {
    child.read_output();
    return child.output().contains(text);
  });
}

TEST(Child, OutputAndErrorsAreOneStream) {
  const Watchdog watchdog;
  Child child = shell("echo 1; echo 2 >&2; read line; echo \"read: $?\"; exit 4");
  await_exit(watchdog, child);
  EXPECT_EQ(child.output(), "1\n2\nread: 1\n");
  EXPECT_EQ(child.status(), 4);
}

TEST(Child, LongOutputIsReadToItsEnd) {
  const Watchdog watchdog;
  Child child = shell("head -c 1000000 /dev/zero | tr '\\0' x");
  await_exit(watchdog, child);
  EXPECT_EQ(child.output().size(), 1'000'000U);
}

TEST(Child, AServerThatKeepsTheOutputOpenDoesNotDelayTheExit) {
  const Watchdog watchdog;
  Child child = shell("sleep 1000 & echo $!");
  await_exit(watchdog, child);
  EXPECT_EQ(child.status(), 0);
  kill(std::stoi(child.output()), SIGKILL);
}

// The outer program waits for the inner one, which a signal to the outer one alone does not end.
TEST(Child, EndTerminatesTheWholeGroup) {
  const Watchdog watchdog;
  Child child =
      shell("trap : TERM; sh -c 'echo ready; exec sleep 1000'; test $? -eq 143 && exit 3");
  await_output(watchdog, child, "ready");
  const auto note = watchdog.waiting("test: for every program of the group to exit");
  child.end(std::chrono::hours(1));
  EXPECT_TRUE(child.has_exited());
  EXPECT_EQ(child.status(), 3) << "the inner program was not ended by SIGTERM";
}

TEST(Child, EndKillsAChildThatIgnoresIt) {
  const Watchdog watchdog;
  Child child = shell("trap '' TERM; echo ready; while :; do sleep 1000; done");
  await_output(watchdog, child, "ready");
  child.end(std::chrono::milliseconds(10));
  EXPECT_EQ(child.status(), 128 + SIGKILL);
}

TEST(Child, EndKillsAGrandchildThatIgnoresIt) {
  const Watchdog watchdog;
  Child child = shell("(trap '' TERM; echo ready; sleep 1000) & wait");
  await_output(watchdog, child, "ready");
  child.end(std::chrono::milliseconds(10));
  EXPECT_EQ(child.status(), 128 + SIGTERM);
  watchdog.await("the grandchild to be killed, which closes the output", [&] {
    pollfd output = {.fd = child.output_fd(), .events = POLLIN, .revents = 0};
    poll(&output, 1, 0);
    return output.fd == -1 || (output.revents & POLLHUP) != 0;
  });
}

// For a parent that ignores SIGCHLD, the system keeps no status.
TEST(Child, AStatusThatIsLostIsNoSuccess) {
  const Watchdog watchdog;
  void (*const before)(int) = signal(SIGCHLD, SIG_IGN);
  Child child = shell("exit 0");
  await_exit(watchdog, child);
  EXPECT_EQ(child.status(), 127);
  signal(SIGCHLD, before);
}

TEST(Child, AProgramThatIsMissingIsAnError) {
  EXPECT_THROW(Child({"/missing/program"}), std::system_error);
}

}  // namespace
}  // namespace worker_pool
