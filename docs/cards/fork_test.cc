// The child of fork() has all locks of its parent, in the state that they had, and none of its
// threads except the one that called fork(). A lock that another thread held stays locked. (WP-36)
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "testing/gate.h"
#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

// A spin lock, because a child may call nothing but async-signal-safe functions. Lock-free atomics
// are among them, std::mutex is not.
TEST(Fork, LockOfAnotherThreadStaysLockedInTheChild) {
  const Watchdog watchdog;
  std::array<int, 2> unlocked{};  // a pipe, for the news that the parent's lock is free
  ASSERT_EQ(pipe(unlocked.data()), 0);
  std::atomic<bool> locked = false;
  Gate gate(watchdog, "the owner may unlock");
  std::jthread owner = watchdog.thread("owner: to unlock", [&] {
    locked = true;
    gate.wait();
    locked = false;
  });
  gate.await_arrivals(1);

  const pid_t child = fork();
  if (child == 0) {
    close(unlocked[1]);  // so that the read below ends if the parent dies
    char news = 0;
    const bool parent_has_unlocked = read(unlocked[0], &news, 1) == 1;
    _exit(parent_has_unlocked && locked ? 42 : 0);
  }

  gate.open();
  owner.join();
  ASSERT_NE(child, -1);
  EXPECT_FALSE(locked);
  EXPECT_EQ(write(unlocked[1], "", 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(exit_status(status), 42) << "the lock is free in the child too";
  close(unlocked[0]);
  close(unlocked[1]);
}

}  // namespace
}  // namespace worker_pool
