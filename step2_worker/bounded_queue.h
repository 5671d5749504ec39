// BoundedQueue: the queue between the two ends of a channel. Use it through channel.h.
//
//   auto [jobs, queue] = make_channel<int>(100);     // creates a BoundedQueue<int> with 100 places
//
// One mutex guards all state. There is one condition variable for each reason to wait: senders wait
// on not_full_ for room, receivers wait on not_empty_ for a value.
//
//  1. It keeps the guarantees of channel.h and of ChannelQueue (channel_queue.h).
//  2. Each operation holds the lock for O(1), except close_and_take_pending(): it moves all values.
//  3. The only user code that runs under the lock is T's move constructor and the destructor of a
//     moved-from T.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step2_worker/channel_queue.h"
#include "step2_worker/scoped_count.h"

namespace worker_pool {

// Every function may be called from many threads at once.
template <class T>
class BoundedQueue final : public ChannelQueue<T> {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {
    if (capacity == 0) {
      throw std::invalid_argument("make_channel: capacity is 0, it must be at least 1");
    }
  }

  SendStatus send(T&& value, const Context& until) override {
    const std::stop_token cancel = until.stop_token();
    // The callback takes the lock, and runs at once if the stop was requested before. So it is
    // created before the lock is taken, and destroyed after the lock was released. (WP-17) Without
    // a stop source, it does nothing.
    const std::stop_callback on_cancel(cancel, [this] { wake_senders(); });
    {
      std::unique_lock lock(mutex_);
      const auto has_room = [this] { return items_.size() < capacity_; };
      // Includes closed_: otherwise close() could not wake a sender that waits for room. (WP-11)
      const auto settled = [&] { return closed_ || has_room() || cancel.stop_requested(); };
      wait(lock, not_full_, blocked_senders_, until.deadline(), settled);
      if (closed_) return SendStatus::kClosed;
      // A canceled sender that finds room sends: the notification for this place may have woken it
      // and no other sender. If it gave up, it would have to notify the next one. (WP-44)
      if (!has_room()) return SendStatus::kFull;
      try {
        items_.push_back(std::move(value));
      } catch (...) {
        not_full_.notify_one();  // the place is still free: wake the next sender instead
        throw;
      }
      ++sent_;
    }
    not_empty_.notify_one();
    return SendStatus::kSent;
  }

  std::optional<T> receive(Clock::time_point deadline) override {
    // Every return names this variable, so that the compiler can construct it in the caller's place
    // (NRVO). Without that, a second move could throw after the value has left the queue, and the
    // value would be lost. The standard allows NRVO but does not require it. GCC and Clang do it
    // unless told -fno-elide-constructors, MSVC does it with /O2 or /std:c++20 and later.
    std::optional<T> value;
    {
      std::unique_lock lock(mutex_);
      const auto settled = [this] { return closed_ || !items_.empty(); };
      wait(lock, not_empty_, blocked_receivers_, deadline, settled);
      if (items_.empty()) return value;  // checked and taken under one lock (WP-50)
      try {
        value.emplace(std::move(items_.front()));
      } catch (...) {
        not_empty_.notify_one();  // the value is still queued: wake the next receiver instead
        throw;
      }
      items_.pop_front();
      ++received_;  // before another thread can see the queue without this value (WP-42)
    }
    not_full_.notify_one();
    return value;  // unlocked: what the caller does with it blocks no other thread (WP-52)
  }

  void close() noexcept override {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;  // under the lock, or a thread that is about to sleep may miss it (WP-03)
    }
    not_full_.notify_all();  // all threads on both sides: closing ends every wait (WP-11, WP-51)
    not_empty_.notify_all();
  }

  std::vector<T> close_and_take_pending() override {
    close();
    std::vector<T> pending;
    const std::lock_guard lock(mutex_);
    pending.reserve(items_.size());  // if this throws, all values are still queued
    for (T& item : items_) pending.push_back(std::move(item));
    items_.clear();
    return pending;
  }

  ChannelStats stats() const override {
    const std::lock_guard lock(mutex_);
    return {sent_, received_, items_.size(), blocked_senders_, blocked_receivers_};
  }

 private:
  // For a stop callback: it must not be called under the lock.
  void wake_senders() {
    // The stop was requested before. A sender that has not seen it holds the lock now, or sleeps
    // once we hold it. (WP-03)
    {
      const std::lock_guard lock(mutex_);
    }
    not_full_.notify_all();  // any of them may be the one that was canceled
  }

  // Blocks until settled() is true or the deadline has passed. Both waits take it as their
  // predicate, so a spurious wake-up does not end them. (WP-02) They sleep: they do not poll.
  // (WP-53)
  //
  // `blocked` goes up before the wait releases the lock. So a thread that stats() counts is asleep,
  // or has been woken and has not yet continued.
  template <class Predicate>
  static void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                   std::size_t& blocked, Clock::time_point deadline, Predicate settled) {
    if (settled()) return;
    if (deadline == Clock::time_point::min()) return;  // a try_ function: never waits
    const ScopedCount counted(blocked);
    if (deadline == Clock::time_point::max()) {
      changed.wait(lock, settled);  // not wait_until(max()): some libraries overflow
    } else {
      changed.wait_until(lock, deadline, settled);
    }
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;  // guards everything below
  // With one condition variable for both sides, notify_one() could wake a sender when only a
  // receiver can proceed, or the other way round. (WP-16)
  std::condition_variable not_full_;
  std::condition_variable not_empty_;
  std::deque<T> items_;
  bool closed_ = false;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::size_t blocked_senders_ = 0;
  std::size_t blocked_receivers_ = 0;
};

}  // namespace worker_pool
