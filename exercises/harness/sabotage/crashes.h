// Crashes in the first test, as the environment variable SABOTAGE says: out_of_range or recursion.
// With global, it has a lab object with static storage. Without SABOTAGE, this is a solved
// exercise.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "testing/lab/lab.h"

namespace worker_pool {

inline bool is_sabotage(const std::string& what) {
  const char* text = std::getenv("SABOTAGE");
  return text != nullptr && text == what;
}

inline const std::unique_ptr<lab::mutex> kMutex(is_sabotage("global") ? new lab::mutex : nullptr);

// Ends only when the depth is 0 again.
inline int depth_of(volatile int& depth) {
  depth = depth + 1;
  return depth == 0 ? 0 : depth_of(depth) + 1;
}

inline void prepare() {}

inline void work(int) {
  std::vector<int> jobs;
  if (is_sabotage("out_of_range")) ++jobs[jobs.size()];
  volatile int depth = 0;
  if (is_sabotage("recursion")) jobs.push_back(depth_of(depth));
}

}  // namespace worker_pool
