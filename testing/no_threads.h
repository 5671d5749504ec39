// What happens when the system refuses to start a thread, for death tests: there is no way back.
#pragma once

#include <string_view>

#include "testing/sanitized.h"

#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#endif

namespace worker_pool {

inline constexpr std::string_view kWhyNot = "needs Linux, and no sanitizer";

#if defined(__linux__)
inline constexpr bool kThreadsCanBeRefused = !kSanitized;  // which reserve address space themselves

// From now on no thread can be started in this process: there is no room for its stack.
inline void refuse_threads() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  constexpr rlim_t kForTheError = 1 << 20;  // bytes: an exception and its text need some
  const rlim_t limit = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + kForTheError;
  const rlimit address_space = {limit, limit};
  setrlimit(RLIMIT_AS, &address_space);
}
#else
inline constexpr bool kThreadsCanBeRefused = false;
inline void refuse_threads() {}
#endif

}  // namespace worker_pool
