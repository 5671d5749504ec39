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
    const std::lock_guard lock(state_->mutex);
    ++state_->members;
  }

  void done() {
    const std::lock_guard lock(state_->mutex);
    if (--state_->members == 0) state_->all_done.notify_all();
  }

  // Blocks until the group has no members. Returns at once if it has none now.
  void wait() {
    std::unique_lock lock(state_->mutex);
    state_->all_done.wait(lock, [this] { return state_->members == 0; });
  }

 private:
  struct State {
    lab::mutex mutex;
    lab::condition_variable all_done{"all_done"};
    int members = 0;  // guarded by mutex
  };

  State* const state_ = new State;  // may be in use by a thread in done()
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
