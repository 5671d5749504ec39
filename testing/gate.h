// Gate: holds threads at one point until the test opens it.
//
// A gate forces an order of events without sleeping. While a job waits at a gate, the test knows
// that the job is running and that it has not finished (WP-26):
//
//   const Watchdog watchdog;
//   const auto gate = std::make_shared<Gate>(watchdog, "the job may finish");
//   WorkerPool pool({}, [gate](const Job&, const Context&) {
//     gate->wait();
//     return JobResult();
//   });
//   ASSERT_EQ(pool.submit(Job{.id = "a"}), SendStatus::kSent);
//   gate->await_arrivals(1);  // the job is running now
//   EXPECT_EQ(pool.metrics().running, 1u);
//   gate->open();
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "testing/watchdog.h"

namespace worker_pool {

// Every function may be called from any thread at any time. A job that may be abandoned shares
// ownership of its gate (std::shared_ptr), because it can outlive the test's scope.
class Gate {
 public:
  Gate(const Watchdog& watchdog, std::string name)
      : notes_(watchdog.notes()), name_(std::move(name)) {}

  // Releases all waiting threads and lets all later ones pass. Idempotent.
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

  // Blocks until the gate is open.
  void wait() {
    const Watchdog::Waiting note(notes_, "a thread: for the gate \"" + name_ + "\" to open");
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
  }

  // Blocks until wait() has been called `count` times. These calls may have returned since.
  void await_arrivals(std::size_t count) {
    const Watchdog::Waiting note(
        notes_, "test: for arrival " + std::to_string(count) + " at the gate \"" + name_ + "\"");
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, count] { return arrived_ >= count; });
  }

  std::size_t arrived() const {
    const std::lock_guard lock(mutex_);
    return arrived_;
  }

 private:
  const std::shared_ptr<Watchdog::Notes> notes_;
  const std::string name_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::size_t arrived_ = 0;
  bool is_open_ = false;
};

}  // namespace worker_pool
