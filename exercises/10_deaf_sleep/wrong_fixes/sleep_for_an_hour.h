// Polls for news once per period, on its own thread, until it is stopped.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

class Poller {
 public:
  // Calls `poll` for the first time at once, then again one period after each call has returned.
  Poller(lab::steady_clock::duration period, std::function<void()> poll)
      : period_(period), poll_(std::move(poll)), thread_("poller", [this] { run(); }) {}
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller() { stop(); }

  // Returns when the poller's thread has exited. Waits for a running call of `poll` to return.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    stopped_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    while (!stop_) {
      poll_();
      std::unique_lock lock(mutex_);
      // A long period could overflow the clock.
      const auto time = std::min<lab::steady_clock::duration>(period_, std::chrono::hours(1));
      stopped_.wait_for(lock, time, [this] { return stop_.load(); });
    }
  }

  const lab::steady_clock::duration period_;
  const std::function<void()> poll_;
  lab::mutex mutex_;
  lab::condition_variable stopped_{"stopped"};
  lab::atomic<bool> stop_{false, "stop"};
  lab::thread thread_;  // declared last: it uses the members above
};

}  // namespace worker_pool
