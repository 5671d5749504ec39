// ShutdownSignals when memory runs out. A program of its own, because scarce_memory replaces
// operator new.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <new>
#include <stop_token>

#include "full_pattern/signals/signals.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

bool is_blocked(int signal) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

// Returns whether there was memory for it.
bool constructs_with(int allocations) {
  try {
    const ScarceMemory memory(allocations);
    const ShutdownSignals signals([](int, int) {});
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// The first allocation fails, then the second, and so on, among them that of each thread.
TEST(ShutdownSignalsWithoutMemory, PassTheErrorOnAndBlockNoSignal) {
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for the constructor to join its first thread");
  int allocations = 0;
  while (!constructs_with(allocations)) {
    EXPECT_FALSE(is_blocked(SIGTERM)) << "with memory for " << allocations << " allocations";
    ++allocations;
  }
  EXPECT_GE(allocations, 3) << "one for each thread, and others";
}

// The listener may miss them: with libc++, its queue needs memory for the first call.
TEST(ShutdownSignalsWithoutMemory, SeeBothSignals) {
  [[maybe_unused]] const int failed_before = failed_allocations();
  auto signals = std::make_unique<const ShutdownSignals>([](int, int) {});
  const Watchdog watchdog;  // after them: its thread has to inherit their mask
  // On the thread that waits for signals, just before it calls the listener.
  const std::stop_callback no_memory(signals->first(), [] { allow_allocations(0); });
  for (const std::stop_token& stop : {signals->first(), signals->second()}) {
    EXPECT_EQ(kill(getpid(), SIGTERM), 0);
    watchdog.await("the signal to stop its token", [&] { return stop.stop_requested(); });
  }
  const auto note = watchdog.waiting("test: for ShutdownSignals to be destroyed");
  signals.reset();
#ifdef _LIBCPP_VERSION
  EXPECT_GT(failed_allocations(), failed_before);
#endif
}

}  // namespace
}  // namespace worker_pool
