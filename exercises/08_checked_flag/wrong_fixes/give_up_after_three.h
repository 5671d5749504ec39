// The routing rules of the workers, loaded when the first worker asks for them.
#pragma once

#include <exception>
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
        if (failures_ == 3) std::rethrow_exception(failure_);  // do not try forever
        try {
          load_(rules_);
        } catch (...) {
          ++failures_;
          failure_ = std::current_exception();
          throw;
        }
        loaded_ = true;
      }
    }
    return rules_;
  }

 private:
  const std::function<void(Rules&)> load_;
  lab::mutex mutex_;  // held while loading, so that only one thread loads
  Rules rules_;       // no longer changes once loaded_ is true
  lab::atomic<bool> loaded_{false, "loaded"};
  int failures_ = 0;              // guarded by mutex_
  std::exception_ptr failure_{};  // guarded by mutex_
};

}  // namespace worker_pool
