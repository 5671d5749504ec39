// The routing rules of the workers, loaded when the first worker asks for them.
// Wrong: acquire and release do not order the store of is_loading_ before the load of waiting_.
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
    std::unique_lock lock(mutex_);
    waiting_.fetch_add(1, std::memory_order_acq_rel);  // before the check
    ready_.wait(lock, [this] { return loaded_ || !is_loading_.load(std::memory_order_acquire); });
    waiting_.fetch_sub(1, std::memory_order_acq_rel);
    if (loaded_) return rules_;
    is_loading_.store(true, std::memory_order_release);
    lock.unlock();
    try {
      load_(rules_);
    } catch (...) {
      is_loading_.store(false, std::memory_order_release);
      if (waiting_.load(std::memory_order_acquire) > 0) {
        // A worker may be between its check and its sleep: lock once, so that it sleeps by now.
        lock.lock();
        ready_.notify_all();
      }
      throw;
    }
    lock.lock();
    loaded_ = true;
    ready_.notify_all();
    return rules_;
  }

 private:
  const std::function<void(Rules&)> load_;
  lab::mutex mutex_;  // not held while loading
  lab::condition_variable ready_{"ready"};
  Rules rules_;          // no longer changes once loaded_ is true
  bool loaded_ = false;  // guarded by mutex_
  lab::atomic<bool> is_loading_{false, "is_loading"};
  lab::atomic<int> waiting_{0, "waiting"};
};

}  // namespace worker_pool
