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
    std::unique_lock lock(mutex_);
    if (!loading_) {
      loading_ = true;
      lock.unlock();
      load_(rules_);
      lock.lock();
      loaded_ = true;
      ready_.notify_all();
    }
    if (!loaded_) ready_.wait(lock);
    if (!loaded_) ready_.wait(lock);  // in case it woke up too early
    return rules_;
  }

 private:
  const std::function<void(Rules&)> load_;
  lab::mutex mutex_;  // not held while loading
  Rules rules_;       // no longer changes once loaded_ is true
  lab::condition_variable ready_{"ready"};
  bool loading_ = false;  // guarded by mutex_
  bool loaded_ = false;   // guarded by mutex_
};

}  // namespace worker_pool
