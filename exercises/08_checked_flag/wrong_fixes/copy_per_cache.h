// The routing rules of the workers, loaded when the first worker asks for them.
#pragma once

#include <atomic>
#include <functional>
#include <map>
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
    thread_local std::map<int, Rules> copies;  // so that no two threads share memory
    if (const auto it = copies.find(number_); it != copies.end()) return it->second;
    const std::lock_guard lock(mutex_);
    if (!loaded_) {
      load_(rules_);
      loaded_ = true;
    }
    return copies[number_] = rules_;
  }

 private:
  static inline std::atomic<int> last_number_ = 0;
  const int number_ = ++last_number_;  // not its address, at which another cache may be later

  const std::function<void(Rules&)> load_;
  lab::mutex mutex_;     // held while loading, so that only one thread loads
  Rules rules_;          // no longer changes once loaded_ is true
  bool loaded_ = false;  // guarded by mutex_
};

}  // namespace worker_pool
