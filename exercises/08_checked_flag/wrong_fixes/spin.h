// The routing rules of the workers, loaded when the first worker asks for them.
#pragma once

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
    while (!loaded_) {
      bool is_loading = false;
      if (!loading_.compare_exchange_strong(is_loading, true)) continue;  // another thread loads
      load();
    }
    return rules_;
  }

 private:
  void load() {
    try {
      load_(rules_);
    } catch (...) {
      loading_ = false;
      throw;
    }
    loaded_ = true;
  }

  const std::function<void(Rules&)> load_;
  Rules rules_;  // no longer changes once loaded_ is true
  lab::atomic<bool> loading_{false, "loading"};
  lab::atomic<bool> loaded_{false, "loaded"};
};

}  // namespace worker_pool
