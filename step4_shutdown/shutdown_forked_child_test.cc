// shutdown() in a child process of fork(), which has a copy of the Workers and none of their
// threads. (WP-36)
#include <gtest/gtest.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step3_dispatcher/dispatcher.h"
#include "step4_shutdown/shutdown.h"
#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

constexpr ShutdownLimits kNoWait = {.drain = Clock::duration::zero(),
                                    .cancel = Clock::duration::zero()};
constexpr int kRefused = 42;

int shut_down_in_child(Workers& workers) {
  try {
    (void)shutdown(workers, kNoWait);
    return 0;
  } catch (const std::logic_error& e) {
    return std::string_view(e.what()).contains("child process of fork()") ? kRefused : 1;
  }
}

TEST(ShutdownInAForkedChild, IsRefused) {
  const Watchdog watchdog;
  Workers workers =
      start_workers(2, [](const Job&, const Context&) { return JobResult(); }, nullptr);
  const pid_t child = fork();
  if (child == 0) _exit(shut_down_in_child(workers));
  ASSERT_NE(child, -1);

  const auto note = watchdog.waiting("test: for the child to exit");
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(exit_status(status), kRefused);
}

}  // namespace
}  // namespace worker_pool
