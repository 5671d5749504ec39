// A group of threads to wait for, and the way to start one that belongs to it.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

// Counts who is at work. Every function may be called from many threads at once.
class WaitGroup {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++members_;
  }

  void done() {
    const std::lock_guard lock(mutex_);
    if (--members_ == 0) nobody_left_.notify_all();
  }

  // Blocks until the group has no members: at once if it has none now.
  void wait() {
    std::unique_lock lock(mutex_);
    nobody_left_.wait(lock, [this] { return members_ == 0; });
  }

 private:
  lab::mutex mutex_;
  lab::condition_variable nobody_left_{"nobody_left"};
  int members_ = 0;  // guarded by mutex_
};

// Starts a thread that does `work` as a member of `group`, and returns without waiting for it.
inline lab::thread start(WaitGroup& group, std::function<void()> work) {
  return lab::thread("worker", [&group, work = std::move(work)] {
    // TODO(you): whoever calls wait() after start() may not wait for this thread.
    group.add();
    work();
    group.done();
  });
}

}  // namespace worker_pool
