// exit_without_destructors() in two threads at once. Replaces std::quick_exit(), because some C
// libraries hide that two threads have entered it.
#include <gtest/gtest.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "step4_shutdown/exit.h"
#include "testing/is_asleep.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

// Returns once another thread has called exit_without_destructors() and sleeps there.
void let_another_thread_leave() {
  static std::atomic<pid_t> another = 0;
  std::thread([] {
    another = gettid();
    exit_without_destructors(4);
  }).detach();
  const Watchdog watchdog;
  watchdog.await("the other thread to sleep", [] { return another != 0 && is_asleep(another); });
}

}  // namespace

[[noreturn]] void replaced_quick_exit(int status) __asm__("quick_exit");

void replaced_quick_exit(int status) {
  static std::atomic<bool> is_entered = false;
  if (is_entered.exchange(true)) {
    std::fputs("two threads are in quick_exit()\n", stderr);
  } else {
    let_another_thread_leave();
  }
  std::_Exit(status);
}

namespace {

TEST(ExitTwiceDeathTest, OnlyTheFirstThreadEntersQuickExit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_without_destructors(3), ::testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace worker_pool
