// A wait group, and a function that starts a thread as a member of one.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

// Counts the threads at work. Thread-safe.
class WaitGroup {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++members_;
  }

  void done() {
    const std::lock_guard lock(mutex_);
    --members_;
  }

  // Blocks until the group has no members. Returns at once if it has none now.
  void wait() {
    std::unique_lock lock(mutex_);
    while (members_ != 0) {
      lock.unlock();
      lab::this_thread::sleep_for(std::chrono::milliseconds(1));
      lock.lock();
    }
  }

 private:
  lab::mutex mutex_;
  int members_ = 0;  // guarded by mutex_
};

// Starts a thread that runs `work` as a member of `group`. Returns without waiting for the work.
inline lab::thread start(WaitGroup& group, std::function<void()> work) {
  group.add();
  return lab::thread("worker", [&group, work = std::move(work)] {
    work();
    group.done();
  });
}

}  // namespace worker_pool
