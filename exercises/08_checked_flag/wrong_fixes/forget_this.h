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

  // Another cache may be created in the place of this one.
  ~RuleCache() {
    if (seen_ == this) seen_ = nullptr;
  }

  // Returns the complete rules, loading them if necessary. Thread-safe.
  const Rules& get() {
    if (seen_ == this) return rules_;  // this thread has had the lock since they were loaded
    const std::lock_guard lock(mutex_);
    if (!loaded_) {
      load_(rules_);
      loaded_ = true;
    }
    seen_ = this;
    return rules_;
  }

 private:
  static inline thread_local const RuleCache* seen_ = nullptr;

  const std::function<void(Rules&)> load_;
  lab::mutex mutex_;     // held while loading, so that only one thread loads
  Rules rules_;          // no longer changes once loaded_ is true
  bool loaded_ = false;  // guarded by mutex_
};

}  // namespace worker_pool
