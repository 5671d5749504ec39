// A signal that comes while ShutdownSignals is being destroyed. Needs glibc: the test replaces
// sigwait().
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <stop_token>

#include "full_pattern/signals/signals.h"
#include "testing/is_asleep.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

// If true, the next sigwait() that takes a signal sets it to false, and does not return before the
// destructor has sent its own SIGTERM.
std::atomic<bool> hold_next = false;

bool is_pending(int signal) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, signal) == 1;
}

}  // namespace

int held_sigwait(const sigset_t* set, int* signal) __asm__("sigwait");

int held_sigwait(const sigset_t* set, int* signal) {
  using Function = int (*)(const sigset_t*, int*);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "sigwait"));
  const int error = real(set, signal);
  if (!hold_next.exchange(false)) return error;
  const Watchdog watchdog;
  watchdog.await("the destructor to send its SIGTERM", [] { return is_pending(SIGTERM); });
  return error;
}

namespace {

class SignalAtTheEnd : public ::testing::TestWithParam<int> {};

TEST_P(SignalAtTheEnd, ThatWasTakenTooLateToCountIsPendingAfterwards) {
  // In all threads of the test, so that the signal can stay pending.
  sigset_t signal;
  sigemptyset(&signal);
  sigaddset(&signal, GetParam());
  pthread_sigmask(SIG_BLOCK, &signal, nullptr);
  const Watchdog watchdog;

  std::optional<ShutdownSignals> signals(std::in_place);
  const std::stop_token first = signals->first();
  hold_next = true;
  ASSERT_EQ(kill(getpid(), GetParam()), 0);
  watchdog.await("the thread to take the signal", [] { return !hold_next; });
  signals.reset();
  EXPECT_FALSE(first.stop_requested());
  ASSERT_TRUE(is_pending(GetParam())) << "the signal is lost: it was taken, and did not count";
  int taken = 0;
  sigwait(&signal, &taken);
  EXPECT_FALSE(is_pending(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Each, SignalAtTheEnd, ::testing::Values(SIGHUP, SIGINT, SIGTERM));

// The destructor begins between the two steps of a signal: its stop has been requested, and the
// listener has not been called.
TEST(ShutdownSignals, AnnounceASignalThatHasRequestedItsStopBeforeTheyAreDestroyed) {
  std::atomic<int> told = 0;
  std::optional<ShutdownSignals> signals(std::in_place, [&told](int, int) { ++told; });
  const Watchdog watchdog;  // not before: its thread has to inherit the mask
  std::atomic<bool> ending = false;
  const pid_t main_thread = gettid();
  const std::stop_callback hold(signals->first(), [&] {
    watchdog.await("the destructor to wait", [&] { return ending && is_asleep(main_thread); });
  });
  ASSERT_EQ(kill(getpid(), SIGTERM), 0);
  watchdog.await("the signal to stop its token", [&] { return signals->first().stop_requested(); });
  const auto note = watchdog.waiting("test: for ShutdownSignals to be destroyed");
  ending = true;
  signals.reset();
  EXPECT_EQ(told, 1) << "the signal has stopped its token, and the listener was not told";
}

}  // namespace
}  // namespace worker_pool
