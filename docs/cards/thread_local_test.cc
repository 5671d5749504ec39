// A thread_local variable belongs to the thread, and a worker runs many jobs: what one job leaves
// there, the next one finds. (WP-34)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step4_shutdown/shutdown.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

thread_local std::string t_user;  // for whom this thread works

// Sets the user until the end of the scope, however it ends.
class ActAs {
 public:
  explicit ActAs(std::string user) : before_(std::exchange(t_user, std::move(user))) {}
  ActAs(const ActAs&) = delete;
  ActAs& operator=(const ActAs&) = delete;
  ~ActAs() { t_user = std::move(before_); }

 private:
  std::string before_;
};

// Runs "login" and then "report" on one worker. Returns the user that each one finds.
template <class Login>
std::vector<std::string> users_found(Login login) {
  Watchdog watchdog;
  std::vector<std::string> users;  // only the worker uses it, until the shutdown has joined it
  WorkerPool pool({.workers = 1}, [&](const Job& job, const Context&) -> JobResult {
    users.push_back(t_user);
    if (job.id == "login") login();
    return {};
  });
  EXPECT_EQ(pool.submit(Job{.id = "login"}), SendStatus::kSent);
  EXPECT_EQ(pool.submit(Job{.id = "report"}), SendStatus::kSent);
  EXPECT_EQ(pool.shutdown({.drain = kForever}).outcome, ShutdownOutcome::kDrained);
  return users;
}

TEST(ThreadLocal, ValueOfOneJobIsFoundByTheNext) {
  EXPECT_THAT(users_found([] { t_user = "alice"; }), ElementsAre("", "alice"));
}

TEST(ThreadLocal, ValueIsRestoredByAGuard) {
  EXPECT_THAT(users_found([] { const ActAs alice("alice"); }), ElementsAre("", ""));
}

TEST(ThreadLocal, ValueIsRestoredByAGuardIfTheJobThrows) {
  const auto login = [] {
    const ActAs alice("alice");
    throw std::runtime_error("wrong password");
  };
  EXPECT_THAT(users_found(login), ElementsAre("", ""));
}

}  // namespace
}  // namespace worker_pool
