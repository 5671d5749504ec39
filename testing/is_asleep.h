// is_asleep(): whether another thread of this process sleeps, for example because it waits for a
// lock. Linux.
#pragma once

#include <sys/types.h>

#include <fstream>
#include <string>

namespace worker_pool {

// `thread` is the number that gettid() returned in it. A wait for this is for a state, not for a
// time: Watchdog::await().
inline bool is_asleep(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string text;
  std::getline(file, text);
  return text.find(") S ") != text.npos;
}

}  // namespace worker_pool
