// Looks for news once in a period, on a thread of its own, until it is stopped.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

class Poller {
 public:
  // Calls `poll` for the first time at once, then each time a period after the last call ended.
  Poller(lab::steady_clock::duration period, std::function<void()> poll)
      : period_(period), poll_(std::move(poll)), thread_("poller", [this] { run(); }) {}
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller() { stop(); }

  // Returns when the poller's thread has ended; a call of `poll` that is under way is finished.
  void stop() {
    stop_ = true;
    stopped_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    while (!stop_) {
      poll_();
      std::unique_lock lock(mutex_);
      stopped_.wait_for(lock, period_, [this] { return stop_.load(); });
    }
  }

  const lab::steady_clock::duration period_;
  const std::function<void()> poll_;
  lab::mutex mutex_;
  lab::condition_variable stopped_{"stopped"};
  lab::atomic<bool> stop_{false, "stop"};
  lab::thread thread_;  // uses the members above, so it comes last
};

}  // namespace worker_pool
