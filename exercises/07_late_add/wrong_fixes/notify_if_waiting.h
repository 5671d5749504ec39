// A wait group, and a function that starts a thread as a member of one.
// Wrong: acquire and release do not order the change of members before the load of waiting.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

// Counts the threads at work. Thread-safe.
class WaitGroup {
 public:
  // Shared with the members: their threads may outlive the group.
  struct State {
    void done() {
      if (members.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
      if (waiting.load(std::memory_order_acquire) == 0) return;
      {
        // A thread may be between its check and its sleep: lock once, so that it sleeps by now.
        const std::lock_guard lock(mutex);
      }
      all_done.notify_all();
    }

    lab::mutex mutex;
    lab::condition_variable all_done{"all_done"};
    lab::atomic<int> members{0, "members"};
    lab::atomic<int> waiting{0, "waiting"};
  };

  void add() { state_->members.fetch_add(1, std::memory_order_acq_rel); }

  void done() { state_->done(); }

  // Blocks until the group has no members. Returns at once if it has none now.
  void wait() {
    std::unique_lock lock(state_->mutex);
    state_->waiting.fetch_add(1, std::memory_order_acq_rel);  // before the check
    state_->all_done.wait(lock,
                          [this] { return state_->members.load(std::memory_order_acquire) == 0; });
    state_->waiting.fetch_sub(1, std::memory_order_acq_rel);
  }

  std::shared_ptr<State> state() const { return state_; }

 private:
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

// Starts a thread that runs `work` as a member of `group`. Returns without waiting for the work.
inline lab::thread start(WaitGroup& group, std::function<void()> work) {
  group.add();
  return lab::thread("worker", [state = group.state(), work = std::move(work)] {
    work();
    state->done();
  });
}

}  // namespace worker_pool
