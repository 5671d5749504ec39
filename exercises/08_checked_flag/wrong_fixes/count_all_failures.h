// The routing rules of the workers, loaded when the first worker asks for them.
#pragma once

#include <functional>
#include <mutex>
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
    if (!loaded_) {
      const std::lock_guard lock(mutex_);
      if (!loaded_) {
        try {
          load_(rules_);
        } catch (...) {
          ++failures_;
          throw;
        }
        loaded_ = true;
      }
    }
    return rules_;
  }

 private:
  const std::function<void(Rules&)> load_;
  lab::mutex mutex_;                // held while loading, so that only one thread loads
  Rules rules_;                     // no longer changes once loaded_ is true
  static inline int failures_ = 0;  // of all caches, for metrics; guarded by mutex_
  lab::atomic<bool> loaded_{false, "loaded"};
};

}  // namespace worker_pool
