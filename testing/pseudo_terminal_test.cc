#include "testing/pseudo_terminal.h"

#include <gtest/gtest.h>

#include <string>

#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

TEST(PseudoTerminal, ShowsOutputAndErrorsInTheOrderWritten) {
  const Watchdog watchdog;
  const ProgramResult run = run_on_terminal("echo 1; echo 2 >&2; printf '\\r3'; exit 4");
  EXPECT_EQ(run.status, 4);
  EXPECT_EQ(run.out, "1\n2\n\r3");
  EXPECT_EQ(run.err, "");
}

TEST(PseudoTerminal, IsATerminalOnBothStreamsUnlessOneIsRedirected) {
  const Watchdog watchdog;
  EXPECT_EQ(run_on_terminal("test -t 1 && test -t 2").status, 0);
  EXPECT_EQ(run_on_terminal("( test -t 1 ) >/dev/null").status, 1);
}

TEST(PseudoTerminal, HasTheWidthThatItIsGiven) {
  const Watchdog watchdog;
  EXPECT_EQ(run_on_terminal("stty size <&1", 132).out, "0 132\n");
}

TEST(PseudoTerminal, ShowsMoreThanItCouldHold) {
  const Watchdog watchdog;
  const ProgramResult run = run_on_terminal("head -c 1000000 /dev/zero | tr '\\0' x");
  EXPECT_EQ(run.out, std::string(1'000'000, 'x'));
}

}  // namespace
}  // namespace worker_pool
