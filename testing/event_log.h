// EventLog: records events from many threads, in the order in which they happened.
//
//   EventLog log(watchdog);
//   const std::jthread consumer = watchdog.thread("consumer", [&] { log.add("received"); });
//   log.await("received");
//   EXPECT_THAT(log.events(), ElementsAre("sent", "received"));
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "testing/watchdog.h"

namespace worker_pool {

// Every function may be called from any thread at any time. A thread that may be abandoned shares
// ownership of its log (std::shared_ptr), because it can outlive the test's scope.
class EventLog {
 public:
  explicit EventLog(const Watchdog& watchdog) : notes_(watchdog.notes()) {}

  void add(std::string event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }

  // Blocks until `event` has happened at least once.
  void await(const std::string& event) {
    const Watchdog::Waiting note(notes_, "test: for the event \"" + event + "\"");
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return std::ranges::find(events_, event) != events_.end(); });
  }

  // Returns a copy.
  std::vector<std::string> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }

  std::size_t count(const std::string& event) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count(events_, event));
  }

 private:
  const std::shared_ptr<Watchdog::Notes> notes_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::vector<std::string> events_;
};

}  // namespace worker_pool
