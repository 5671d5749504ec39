// BoundedQueue: what the two ends of a channel share. channel.h is the way to use it.
//
// One mutex guards everything. Two condition variables, because there are two reasons to wait:
//
//   senders, who wait for room          on not_full_
//   receivers, who wait for a value     on not_empty_
//
// Each operation is one short critical section, O(1) except for close_and_take_pending(). User
// code that runs under the lock: T's move constructor, and the destructor of a moved-from T.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step2_worker/channel_queue.h"

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

  SendStatus send(T&& value, Clock::time_point deadline) override {
    {
      std::unique_lock lock(mutex_);
      // "or closed": a sender parked on a full queue has to learn that it was closed. (WP-11)
      const auto settled = [this] { return closed_ || items_.size() < capacity_; };
      if (!wait(lock, not_full_, blocked_senders_, deadline, settled)) return SendStatus::kFull;
      if (closed_) return SendStatus::kClosed;
      try {
        items_.push_back(std::move(value));
      } catch (...) {
        not_full_.notify_one();  // the room is still there: pass the wake-up on
        throw;
      }
      ++sent_;
    }
    not_empty_.notify_one();
    return SendStatus::kSent;
  }

  std::optional<T> receive(Clock::time_point deadline) override {
    // The only thing returned, so that compilers build it where the caller wants it: a second move
    // on the way out could throw when the value has left the queue. (GCC and Clang always do, MSVC
    // with /O1 or /Zc:nrvo.)
    std::optional<T> value;
    {
      std::unique_lock lock(mutex_);
      const auto settled = [this] { return closed_ || !items_.empty(); };
      if (!wait(lock, not_empty_, blocked_receivers_, deadline, settled)) return value;
      if (items_.empty()) return value;
      try {
        value.emplace(std::move(items_.front()));
      } catch (...) {
        not_empty_.notify_one();  // the value is still there: pass the wake-up on
        throw;
      }
      items_.pop_front();
      ++received_;
    }
    not_full_.notify_one();
    return value;
  }

  void close() noexcept override {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;  // under the lock, or a thread that goes to sleep may miss it (WP-03)
    }
    not_full_.notify_all();  // everybody, on both sides: it concerns them all (WP-11)
    not_empty_.notify_all();
  }

  std::vector<T> close_and_take_pending() override {
    close();
    std::deque<T> shells;  // the moved-from values: destroyed after the lock is released
    std::vector<T> pending;
    const std::lock_guard lock(mutex_);
    pending.reserve(items_.size());  // if this throws, everything is still in the queue
    for (T& item : items_) pending.push_back(std::move(item));
    shells.swap(items_);
    return pending;
  }

  ChannelStats stats() const override {
    const std::lock_guard lock(mutex_);
    return {sent_, received_, items_.size(), blocked_senders_, blocked_receivers_};
  }

 private:
  // Waits until settled() or the deadline, and returns settled(). `blocked` goes up before the
  // lock is given up, so whoever reads it in stats() knows that the thread is parked, or was woken
  // and has not gone on yet. No wait is without its predicate (WP-02).
  template <class Predicate>
  static bool wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                   std::size_t& blocked, Clock::time_point deadline, Predicate settled) {
    if (settled()) return true;
    if (deadline == Clock::time_point::min()) return false;  // a try: never waits
    ++blocked;
    bool in_time = true;
    if (deadline == Clock::time_point::max()) {
      changed.wait(lock, settled);  // not wait_until(max()): some libraries overflow there
    } else {
      in_time = changed.wait_until(lock, deadline, settled);
    }
    --blocked;
    return in_time;
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;  // guards everything below
  // Two, not one: with one condition variable for both sides, notify_one() may wake a thread that
  // cannot go on, while the one that could is never woken. (WP-16)
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
