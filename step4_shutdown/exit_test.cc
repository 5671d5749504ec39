// exit_without_destructors(): the exit of a program that abandoned a worker.
#include "step4_shutdown/exit.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step3_dispatcher/dispatcher.h"
#include "step4_shutdown/shutdown.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::AllOf;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::Not;

struct SaysWhenDestroyed {
  bool armed = false;
  ~SaysWhenDestroyed() {
    if (armed) std::fputs("a static was destroyed\n", stderr);
  }
};
SaysWhenDestroyed a_static;  // NOLINT: returning from main() would destroy it

// A death test sees only the standard error of its child process.
void send_stdout_to_stderr() { ASSERT_GE(dup2(STDERR_FILENO, STDOUT_FILENO), 0); }

class ExitDeathTest : public ::testing::Test {
 protected:
  ExitDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ExitDeathTest, EndsWithTheGivenStatus) {
  EXPECT_EXIT(exit_without_destructors(0), ExitedWithCode(0), "");
  EXPECT_EXIT(exit_without_destructors(3), ExitedWithCode(3), "");
}

TEST_F(ExitDeathTest, FlushesWhatWasPrinted) {
  const auto print_and_exit = [] {
    send_stdout_to_stderr();
    std::ios::sync_with_stdio(false);  // std::cout and stdout then have a buffer each
    std::cout << "from cout";
    std::printf("from printf");
    exit_without_destructors(3);
  };
  EXPECT_EXIT(print_and_exit(), ExitedWithCode(3),
              AllOf(HasSubstr("from cout"), HasSubstr("from printf")));
}

TEST_F(ExitDeathTest, EndsWithTheGivenStatusAlsoIfCoutThrowsWhenItCannotWrite) {
  const auto exit_without_output = [] {
    ASSERT_GE(dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDOUT_FILENO), 0);
    std::cout.exceptions(std::ios::badbit);
    std::cout << "x";
    exit_without_destructors(3);
  };
  EXPECT_EXIT(exit_without_output(), ExitedWithCode(3), "");
}

// The write of the flush is a cancellation point.
TEST_F(ExitDeathTest, EndsTheProgramAlsoIfItsThreadWasCanceled) {
  const auto exit_when_canceled = [] {
    send_stdout_to_stderr();
    std::printf("from printf");
    pthread_cancel(pthread_self());
    exit_without_destructors(3);
  };
  EXPECT_EXIT(exit_when_canceled(), ExitedWithCode(3), "from printf");
}

#if !defined(__APPLE__)  // std::_Exit() calls no such function
// A registered function may contain a cancellation point too.
TEST_F(ExitDeathTest, CallsWhatIsRegisteredAlsoIfItsThreadWasCanceled) {
  const auto exit_when_canceled = [] {
    std::at_quick_exit([] { (void)!write(STDERR_FILENO, "registered", 10); });
    pthread_cancel(pthread_self());
    exit_without_flush(3);
  };
  EXPECT_EXIT(exit_when_canceled(), ExitedWithCode(3), "registered");
}
#endif

TEST_F(ExitDeathTest, DestroysNoStatic) {
  const auto arm_and_exit = [] {
    a_static.armed = true;
    std::fputs("about to exit\n", stderr);
    exit_without_destructors(3);
  };
  EXPECT_EXIT(arm_and_exit(), ExitedWithCode(3),
              AllOf(HasSubstr("about to exit"), Not(HasSubstr("a static was destroyed"))));
}

TEST_F(ExitDeathTest, EndsTheProgramWhileAnAbandonedWorkerIsStuck) {
  const auto abandon_and_exit = [] {
    Watchdog watchdog;
    const auto gate = std::make_shared<Gate>(watchdog, "never opened");
    const auto handler = [gate](const Job&, const Context&) -> JobResult {
      gate->wait();
      return {};
    };
    Workers pool = start_workers(1, handler, nullptr);
    if (pool.jobs.send(Job{.id = "stuck"}) != SendStatus::kSent) return;
    gate->await_arrivals(1);
    const ShutdownReport report =
        shutdown(pool, {.drain = std::chrono::seconds(0), .cancel = std::chrono::seconds(0)});
    std::cerr << to_string(report.outcome);
    exit_without_destructors(3);
  };
  EXPECT_EXIT(abandon_and_exit(), ExitedWithCode(3), "abandoned");
}

TEST_F(ExitDeathTest, EndsTheProgramWhileAStuckThreadHoldsStdout) {
  const auto exit_while_stdout_is_locked = [] {
    Watchdog watchdog;
    Gate never(watchdog, "never opened: holds stdout");
    std::thread([&] {
      flockfile(stdout);
      never.wait();
    }).detach();
    never.await_arrivals(1);
    const auto note = watchdog.waiting("test: to exit, with stdout locked");
    exit_without_destructors(3);
  };
  EXPECT_EXIT(exit_while_stdout_is_locked(), ExitedWithCode(3), "");
}

}  // namespace
}  // namespace worker_pool
