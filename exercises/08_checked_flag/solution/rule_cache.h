// The rules that workers route jobs by, loaded when the first of them asks.
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
  // `load` fills in the rules that it is given; it takes a while, and is called once at most.
  explicit RuleCache(std::function<void(Rules&)> load) : load_(std::move(load)) {}

  // The rules, all of them. May be called from many threads at once.
  const Rules& get() {
    if (!loaded_) {
      const std::lock_guard lock(mutex_);
      if (!loaded_) {
        load_(rules_);
        loaded_ = true;
      }
    }
    return rules_;
  }

 private:
  const std::function<void(Rules&)> load_;
  lab::mutex mutex_;  // held while loading, so that only one thread does
  Rules rules_;       // does not change any more once loaded_ is true
  lab::atomic<bool> loaded_{false, "loaded"};
};

}  // namespace worker_pool
