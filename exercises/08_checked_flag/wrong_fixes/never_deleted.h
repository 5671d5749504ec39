// The routing rules of the workers, loaded when the first worker asks for them.
#pragma once

#include <functional>
#include <memory>
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
    const Rules* rules = rules_.load();
    if (rules == nullptr) {
      const std::lock_guard lock(mutex_);
      rules = rules_.load();
      if (rules == nullptr) {
        auto loaded = std::make_unique<Rules>();
        load_(*loaded);
        rules = loaded.release();
        rules_.store(rules);
      }
    }
    return *rules;
  }

 private:
  const std::function<void(Rules&)> load_;
  lab::mutex mutex_;  // held while loading, so that only one thread loads
  lab::atomic<const Rules*> rules_{nullptr, "rules"};
};

}  // namespace worker_pool
