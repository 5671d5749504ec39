// Looks for news once in a period, on a thread of its own, until it is stopped.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
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
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    while (!stop_) {
      poll_();
      const auto next = lab::steady_clock::now() + period_;
      while (!stop_ && lab::steady_clock::now() < next) {
        lab::this_thread::sleep_until(
            std::min(next, lab::steady_clock::now() + std::chrono::milliseconds(100)));
      }
    }
  }

  const lab::steady_clock::duration period_;
  const std::function<void()> poll_;
  lab::atomic<bool> stop_{false, "stop"};
  lab::thread thread_;  // uses the members above, so it comes last
};

}  // namespace worker_pool
