#include "testing/terminal_child.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "testing/watchdog.h"

namespace worker_pool {
namespace {

TEST(TerminalChild, TypesAndReadsInTheSizeThatItIsGiven) {
  const Watchdog watchdog;
  TerminalChild child(watchdog, {"/bin/sh", "-c", "stty size; read line; echo \"got $line\""},
                      {.rows = 30, .columns = 90});
  child.await("30 90\n");
  child.type("keys\n");
  child.await("got keys\n");
  EXPECT_EQ(child.wait(), 0) << child.output();
}

TEST(TerminalChild, CtrlCIsASignal) {
  const Watchdog watchdog;
  TerminalChild child(watchdog, {"/bin/sh", "-c", "echo ready; read line"}, {});
  child.await("ready");
  child.type("\x03");
  EXPECT_EQ(child.wait(), 128 + SIGINT) << child.output();
}

TEST(TerminalChild, SeesWhetherTheTerminalWasLeftAsItWas) {
  const Watchdog watchdog;
  TerminalChild child(watchdog, {"/bin/sh", "-c", "echo 1; read line; stty -echo; echo 2"}, {});
  child.await("1");
  EXPECT_TRUE(child.echoes());
  child.type("\n");
  child.await("2");
  EXPECT_EQ(child.wait(), 0);
  EXPECT_FALSE(child.echoes());
}

}  // namespace
}  // namespace worker_pool
