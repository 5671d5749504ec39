// The routing rules of the workers, loaded when the first worker asks for them.
// Wrong: failed_ stays set, so no worker waits for the one that loads the second time.
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
    std::unique_lock lock(mutex_);
    if (is_loading_) ready_.wait(lock, [this] { return loaded_ || failed_; });
    if (loaded_) return rules_;
    // No worker has tried yet, or the one that tried has failed.
    is_loading_ = true;
    lock.unlock();
    try {
      load_(rules_);
    } catch (...) {
      lock.lock();
      is_loading_ = false;
      failed_ = true;
      ready_.notify_all();
      throw;
    }
    lock.lock();
    is_loading_ = false;
    loaded_ = true;
    ready_.notify_all();
    return rules_;
  }

 private:
  const std::function<void(Rules&)> load_;
  lab::mutex mutex_;  // not held while loading
  lab::condition_variable ready_{"ready"};
  bool is_loading_ = false;  // guarded by mutex_
  bool loaded_ = false;      // guarded by mutex_
  bool failed_ = false;      // guarded by mutex_
  Rules rules_;              // no longer changes once loaded_ is true
};

}  // namespace worker_pool
