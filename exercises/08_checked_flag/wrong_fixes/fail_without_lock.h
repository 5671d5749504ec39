// The routing rules of the workers, loaded when the first worker asks for them.
// Wrong: when loading throws, a worker between its check and its sleep misses the notification.
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
    ready_.wait(lock, [this] { return !is_loading_; });
    if (loaded_) return rules_;
    is_loading_ = true;
    lock.unlock();
    try {
      load_(rules_);
    } catch (...) {
      is_loading_ = false;  // the next worker may try
      ready_.notify_all();
      throw;
    }
    lock.lock();
    loaded_ = true;
    is_loading_ = false;
    ready_.notify_all();
    return rules_;
  }

 private:
  const std::function<void(Rules&)> load_;
  lab::mutex mutex_;  // not held while loading
  lab::condition_variable ready_{"ready"};
  bool loaded_ = false;  // guarded by mutex_
  lab::atomic<bool> is_loading_{false, "is_loading"};
  Rules rules_;  // no longer changes once loaded_ is true
};

}  // namespace worker_pool
