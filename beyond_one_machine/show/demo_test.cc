// The demo, with a consumer that is killed and one that is replaced.
#include <gmock/gmock.h>
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

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Does what the line "    kill -9 1234    consumer a crashes" invites to do, and adds the
// signal to `sent`.
void accept_invitation(const std::string& line, std::vector<int>& sent) {
  const bool kills = line.ends_with("consumer a crashes");
  if (!kills && !line.ends_with("consumer b is replaced in a rollout")) return;
  std::istringstream words(line.substr(line.find(kills ? "-9" : "kill") + (kills ? 2 : 4)));
  pid_t pid = 0;
  words >> pid;
  ASSERT_GT(pid, 1);
  sent.push_back(kills ? SIGKILL : SIGTERM);
  EXPECT_EQ(::kill(pid, sent.back()), 0);
}

// That consumer b is started again is not checked: it may exit together with the last job.
TEST(Demo, LosesNoJobWhenItsConsumersAreKilled) {
  const Watchdog watchdog(std::chrono::seconds(50));
  std::vector<std::string> lines;
  std::vector<int> sent;
  Program demo({std::getenv("DEMO"), "--jobs=60"}, [&](const std::string& line) {
    lines.push_back(line);
    accept_invitation(line, sent);
  });
  const auto note = watchdog.waiting("test: for the demo to end");
  EXPECT_EQ(demo.wait(), 0);
  EXPECT_THAT(sent, ElementsAre(SIGKILL, SIGTERM));
  EXPECT_THAT(lines, Contains(AllOf(StartsWith("         a ("),
                                    HasSubstr(") was killed by signal 9. It runs again"))));
  EXPECT_EQ(lines.back(), "Of 64 jobs: 63 have a result, 1 buried, 0 left, lost 0");
}

}  // namespace
}  // namespace worker_pool
