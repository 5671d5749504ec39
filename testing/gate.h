// Gate: holds threads at one point until the test opens it.
//
// The way to force an order of events without sleeping: a job waits at a gate, so it is certainly
// running and certainly not finished while the test looks around.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "testing/watchdog.h"

namespace worker_pool {

// Every function may be called from many threads at once. A job that may be abandoned shares
// ownership of its gate (std::shared_ptr), since it can outlive the test's scope.
class Gate {
 public:
  Gate(const Watchdog& watchdog, std::string name)
      : notes_(watchdog.notes()), name_(std::move(name)) {}

  // Lets everybody through, now and later. Idempotent.
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

  // Blocks until the gate is open.
  void wait() {
    const Watchdog::Waiting note(notes_, "a thread: for the gate \"" + name_ + "\" to open");
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
  }

  // Blocks until `count` calls of wait() have arrived, whether or not they have gone on since.
  void await_arrivals(std::size_t count) {
    const Watchdog::Waiting note(
        notes_, "test: for arrival " + std::to_string(count) + " at the gate \"" + name_ + "\"");
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, count] { return arrived_ >= count; });
  }

  std::size_t arrived() const {
    const std::lock_guard lock(mutex_);
    return arrived_;
  }

 private:
  const std::shared_ptr<Watchdog::Notes> notes_;
  const std::string name_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::size_t arrived_ = 0;
  bool is_open_ = false;
};

}  // namespace worker_pool
