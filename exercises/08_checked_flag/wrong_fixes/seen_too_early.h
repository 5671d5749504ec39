// The routing rules of the workers, loaded when the first worker asks for them.
// Wrong: `seen` is set before loading, which may throw: the next call on this thread does not load.
#pragma once

#include <atomic>
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
    // The number of the cache that this thread has locked last: then it needs no lock. Not its
    // address, at which there may be another cache later.
    thread_local int seen = 0;
    if (seen == number_) return rules_;
    const std::lock_guard lock(mutex_);
    seen = number_;
    if (!loaded_) {
      load_(rules_);
      loaded_ = true;
    }
    return rules_;
  }

 private:
  static inline std::atomic<int> last_number_ = 0;
  const int number_ = ++last_number_;

  const std::function<void(Rules&)> load_;
  lab::mutex mutex_;     // held while loading, so that only one thread loads
  Rules rules_;          // no longer changes once loaded_ is true
  bool loaded_ = false;  // guarded by mutex_
};

}  // namespace worker_pool
