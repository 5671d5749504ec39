#include "processes/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

TEST(Program, ReadsEveryLineAlsoALastOneWithoutALineEnd) {
  const Watchdog watchdog;
  std::vector<std::string> lines;
  int status = -1;
  Program program(
      {"sh", "-c", "echo 1; echo 2 >&2; printf 3; exit 4"},
      [&](const std::string& line) { lines.push_back(line); },
      [&](int its_status) { status = its_status; });
  const auto note = watchdog.waiting("test: for the program to exit");
  EXPECT_EQ(program.wait(), 4);
  EXPECT_EQ(status, 4);
  EXPECT_THAT(lines, ElementsAre("1", "2", "3"));
}

TEST(Program, ReportsTheSignalThatKilledIt) {
  const Watchdog watchdog;
  Program program({"sleep", "600"}, [](const std::string&) {});
  EXPECT_TRUE(program.send_signal(SIGTERM));
  const auto note = watchdog.waiting("test: for the program to exit");
  EXPECT_EQ(program.wait(), 128 + SIGTERM);
  EXPECT_FALSE(program.send_signal(SIGTERM));
}

}  // namespace
}  // namespace worker_pool
