// What tests of a pool in a child process of fork() share. POSIX.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {

inline constexpr int kAsPromised = 42;  // the exit status of a child that found what it should

// Runs `body` in a child process, and blocks until it has exited. Returns its exit status. Call it
// while other threads use the pool: the child has the locks as they are at that time.
template <class Body>
int run_in_child(const Watchdog& watchdog, Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  const auto note = watchdog.waiting("test: for the child to exit");
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return exit_status(status);
}

}  // namespace worker_pool
