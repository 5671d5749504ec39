// refuse_threads(): makes the system refuse to start threads. For death tests, because the process
// cannot undo it.
#pragma once

#include <string_view>

#include "testing/sanitized.h"

#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <thread>
#endif

namespace worker_pool {

inline constexpr std::string_view kWhyNot = "needs Linux, and no sanitizer";

#if defined(__linux__)
inline constexpr bool kThreadsCanBeRefused = !kSanitized;  // they reserve address space

// From now on the process has no address space for the stack of another thread. Ends the program if
// one can still be started.
inline void refuse_threads() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  constexpr rlim_t kForTheError = 1 << 20;  // bytes, for the exception and its text
  const rlim_t limit = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + kForTheError;
  const rlimit address_space = {limit, limit};
  setrlimit(RLIMIT_AS, &address_space);
  try {
    std::thread([] {}).join();
  } catch (const std::system_error&) {
    return;
  }
  std::fputs("refuse_threads(): a thread can still be started\n", stderr);
  std::abort();
}
#else
inline constexpr bool kThreadsCanBeRefused = false;
inline void refuse_threads() {}
#endif

}  // namespace worker_pool
