// The routing rules of the workers, loaded when the first worker asks for them.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "testing/lab/lab.h"

namespace worker_pool {

using Rules = std::vector<std::string>;

class RuleCache {
 public:
  // `load` fills in the rules. It takes a while, and is not called again once it has returned.
  explicit RuleCache(std::function<void(Rules&)> load) : load_(std::move(load)) {}

  // Returns the complete rules, loading them if necessary. Thread-safe.
  const Rules& get() {
    if (!started_.exchange(true)) {
      load_(rules_);
      loaded_ = true;
    }
    while (!loaded_) lab::this_thread::sleep_for(std::chrono::milliseconds(1));
    return rules_;
  }

 private:
  const std::function<void(Rules&)> load_;
  Rules rules_;  // no longer changes once loaded_ is true
  lab::atomic<bool> started_{false, "started"};
  lab::atomic<bool> loaded_{false, "loaded"};
};

}  // namespace worker_pool
