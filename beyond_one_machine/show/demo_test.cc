// The demo, with a consumer that is killed and one that is replaced.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "processes/program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

// Does what the line "    kill -9 1234    consumer a crashes" invites to do.
void accept_invitation(const std::string& line) {
  const bool kills = line.ends_with("consumer a crashes");
  if (!kills && !line.ends_with("consumer b is replaced in a rollout")) return;
  std::istringstream words(line.substr(line.find(kills ? "-9" : "kill") + (kills ? 2 : 4)));
  pid_t pid = 0;
  words >> pid;
  ASSERT_GT(pid, 1);
  EXPECT_EQ(::kill(pid, kills ? SIGKILL : SIGTERM), 0);
}

TEST(Demo, LosesNoJobWhenItsConsumersAreKilled) {
  const Watchdog watchdog(std::chrono::seconds(50));
  std::vector<std::string> lines;
  Program demo({std::getenv("DEMO"), "--jobs=60"}, [&](const std::string& line) {
    lines.push_back(line);
    accept_invitation(line);
  });
  const auto note = watchdog.waiting("test: for the demo to end");
  EXPECT_EQ(demo.wait(), 0);
  EXPECT_EQ(lines.back(), "Of 64 jobs: 63 have a result, 1 buried, 0 left, lost 0");
}

}  // namespace
}  // namespace worker_pool
