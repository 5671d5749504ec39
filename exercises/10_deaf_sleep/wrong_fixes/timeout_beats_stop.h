// Polls for news once per period, on its own thread, until it is stopped.
// Wrong: when the period is over, the next poll begins, even if stop() has been called by then.
#pragma once

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
    if (stop_) return;
    do {
      poll_();
    } while (sleep());
  }

  // Sleeps for a period. Returns false if stop() was called.
  bool sleep() {
    const auto next = lab::steady_clock::now() + period_;
    std::unique_lock lock(mutex_);
    while (!stop_) {
      if (stopped_.wait_until(lock, next) == lab::cv_status::timeout) return true;
    }
    return false;
  }

  const lab::steady_clock::duration period_;
  const std::function<void()> poll_;
  lab::mutex mutex_;
  lab::condition_variable stopped_{"stopped"};
  lab::atomic<bool> stop_{false, "stop"};
  lab::thread thread_;  // declared last: it uses the members above
};

}  // namespace worker_pool
