// The routing rules of the workers, loaded when the first worker asks for them.
#pragma once

#include <chrono>
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
    // Not for too long, in case a notification gets lost.
    while (is_loading_) ready_.wait_for(lock, std::chrono::milliseconds(100));
    if (loaded_) return rules_;
    is_loading_ = true;
    lock.unlock();
    try {
      load_(rules_);
    } catch (...) {
      finish(false);
      throw;
    }
    finish(true);
    return rules_;
  }

 private:
  void finish(bool loaded) {
    const std::lock_guard lock(mutex_);
    is_loading_ = false;
    loaded_ = loaded;
    ready_.notify_all();
  }

  const std::function<void(Rules&)> load_;
  lab::mutex mutex_;  // not held while loading
  lab::condition_variable ready_{"ready"};
  bool is_loading_ = false;  // guarded by mutex_
  bool loaded_ = false;      // guarded by mutex_
  Rules rules_;              // no longer changes once loaded_ is true
};

}  // namespace worker_pool
