// What the tests of the lab types share.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "testing/lab/explorer.h"

namespace worker_pool::lab {

// Explores all schedules within the limits of `options`, without random ones, and expects that none
// fails.
inline void expect_passes(const std::function<void()>& scenario, Options options = {}) {
  options.random_schedules = 0;
  const Result result = explore(options, scenario);
  EXPECT_FALSE(result.failed) << result.story;
  EXPECT_TRUE(result.exhaustive) << "after " << result.schedules << " schedules";
}

inline std::string verdict_of(const std::function<void()>& scenario) {
  return explore({}, scenario).verdict;
}

// The story of the only schedule without preemptions. `scenario` must end with a failed check.
inline std::string story_of(const std::function<void()>& scenario) {
  return explore({.max_preemptions = 0, .max_spurious_wakeups = 0, .random_schedules = 0}, scenario)
      .story;
}

}  // namespace worker_pool::lab
