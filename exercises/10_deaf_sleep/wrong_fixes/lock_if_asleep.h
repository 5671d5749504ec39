// Polls for news once per period, on its own thread, until it is stopped.
#pragma once

#include <atomic>
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
    stop_.store(true, std::memory_order_release);
    if (asleep_.load(std::memory_order_acquire)) {
      // The poller may be just before its sleep, with the lock: wait until it sleeps.
      const std::lock_guard lock(mutex_);
    }
    stopped_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    while (!stop_.load(std::memory_order_acquire)) {
      poll_();
      std::unique_lock lock(mutex_);
      asleep_.store(true, std::memory_order_release);  // before the check
      stopped_.wait_for(lock, period_, [this] { return stop_.load(std::memory_order_acquire); });
      asleep_.store(false, std::memory_order_release);
    }
  }

  const lab::steady_clock::duration period_;
  const std::function<void()> poll_;
  lab::mutex mutex_;
  lab::condition_variable stopped_{"stopped"};
  lab::atomic<bool> stop_{false, "stop"};
  lab::atomic<bool> asleep_{false, "asleep"};
  lab::thread thread_;  // declared last: it uses the members above
};

}  // namespace worker_pool
