// Polls for news once per period, on its own thread, until it is stopped.
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
  // Waits for at most ten seconds: then the service is killed anyway.
  void stop() {
    bool exits = false;
    {
      std::unique_lock lock(mutex_);
      stop_ = true;
      stopped_.notify_all();
      exits =
          exiting_changed_.wait_for(lock, std::chrono::seconds(10), [this] { return exiting_; });
    }
    if (!thread_.joinable()) return;
    if (exits) {
      thread_.join();
    } else {
      thread_.detach();
    }
  }

 private:
  void run() {
    while (!stop_) {
      poll_();
      std::unique_lock lock(mutex_);
      stopped_.wait_for(lock, period_, [this] { return stop_.load(); });
    }
    {
      const std::lock_guard lock(mutex_);
      exiting_ = true;
    }
    exiting_changed_.notify_all();
  }

  const lab::steady_clock::duration period_;
  const std::function<void()> poll_;
  lab::mutex mutex_;
  lab::condition_variable stopped_{"stopped"};
  lab::condition_variable exiting_changed_{"exiting_changed"};
  bool exiting_ = false;  // guarded by mutex_
  lab::atomic<bool> stop_{false, "stop"};
  lab::thread thread_;  // declared last: it uses the members above
};

}  // namespace worker_pool
