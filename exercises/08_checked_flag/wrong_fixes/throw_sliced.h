// The routing rules of the workers, loaded when the first worker asks for them.
// Wrong: `throw e` throws a copy, which is a std::exception and nothing more.
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
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !is_loading_; });
    if (loaded_) return rules_;
    is_loading_ = true;
    lock.unlock();
    try {
      load_(rules_);
    } catch (const std::exception& e) {
      finish(false);
      throw e;
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
  Rules rules_;       // no longer changes once loaded_ is true
  lab::condition_variable ready_{"ready"};
  bool is_loading_ = false;  // guarded by mutex_
  bool loaded_ = false;      // guarded by mutex_
};

}  // namespace worker_pool
