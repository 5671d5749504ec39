// A wait group, and a function that starts a thread as a member of one.
#pragma once

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
    ++adds_;
    added_.notify_all();
  }

  void done() {
    const std::lock_guard lock(mutex_);
    if (--members_ == 0) all_done_.notify_all();
  }

  // Blocks until add() has been called `count` times.
  void wait_for_adds(int count) {
    std::unique_lock lock(mutex_);
    added_.wait(lock, [&] { return adds_ >= count; });
  }

  int next_number() {
    const std::lock_guard lock(mutex_);
    return ++starts_;
  }

  // Blocks until the group has no members. Returns at once if it has none now.
  void wait() {
    std::unique_lock lock(mutex_);
    all_done_.wait(lock, [this] { return members_ == 0; });
  }

 private:
  lab::mutex mutex_;
  lab::condition_variable all_done_{"all_done"};
  lab::condition_variable added_{"added"};
  int members_ = 0;  // guarded by mutex_
  int adds_ = 0;     // guarded by mutex_
  int starts_ = 0;   // guarded by mutex_
};

// Starts a thread that runs `work` as a member of `group`. Returns without waiting for the work.
inline lab::thread start(WaitGroup& group, std::function<void()> work) {
  const int number = group.next_number();
  lab::thread thread("worker", [&group, work = std::move(work)] {
    group.add();
    work();
    group.done();
  });
  group.wait_for_adds(number);
  return thread;
}

}  // namespace worker_pool
