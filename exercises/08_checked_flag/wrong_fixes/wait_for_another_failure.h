// The routing rules of the workers, loaded when the first worker asks for them.
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
    if (loaded_) return rules_;
    if (is_loading_) {
      const std::exception_ptr before = failure_;
      ready_.wait(lock, [&] { return loaded_ || failure_ != before; });
      if (!loaded_) std::rethrow_exception(failure_);
      return rules_;
    }
    is_loading_ = true;
    lock.unlock();
    try {
      load_(rules_);
    } catch (...) {
      lock.lock();
      is_loading_ = false;
      failure_ = std::current_exception();
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
  lab::mutex mutex_;  // guards everything below
  lab::condition_variable ready_{"ready"};
  bool is_loading_ = false;
  bool loaded_ = false;
  std::exception_ptr failure_;
  Rules rules_;  // no longer changes once loaded_ is true
};

}  // namespace worker_pool
