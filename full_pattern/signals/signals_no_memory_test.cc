// ShutdownSignals when memory runs out. A program of its own, because scarce_memory replaces
// operator new.
#include <gtest/gtest.h>
#include <signal.h>

#include <new>

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

}  // namespace
}  // namespace worker_pool
