// FastQueue: a bounded queue for jobs so short that the queue dominates their cost. Use it through
// fast_channel.h.
//
// A ring of slots, a count of sent values and a count of received values. The slots between the two
// counts hold values:
//
//   sent - received == 0         empty: receivers wait
//   sent - received == capacity  full: senders wait
//
// Each side has its own lock, so a sender and a receiver can work at the same time. A sender holds
// the senders' lock while it fills a free slot and then increases the count of sent values; a
// receiver holds the receivers' lock while it empties a slot and then increases its count. The
// design notes in README.md explain the memory orders and what makes the queue fast.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "full_pattern/fast_channel/side.h"
#include "full_pattern/fast_channel/threads.h"
#include "full_pattern/fast_channel/waiting_room.h"
#include "step1_job/context.h"
#include "step2_worker/channel_queue.h"

namespace worker_pool {

// The memory for all values is allocated at once, so a mistake here would cost all of it.
inline constexpr std::size_t kMaxFastCapacity = 1 << 24;

// A T that can be emptied and used again, as a Job can. Its memory goes round: a sender swaps its
// value with the emptied one that is in the slot, and a receiver swaps the other way. So the memory
// of a value that is done goes back to the threads that send, without a lock or an allocation.
template <class T>
concept Recyclable =
    std::default_initializable<T> && std::is_nothrow_swappable_v<T> && requires(T& value) {
      { recycle(value) } noexcept;
    };

template <class T, class Threads = StdThreads>
class FastQueue final : public ChannelQueue<T> {
 public:
  explicit FastQueue(std::size_t capacity)
      : capacity_(checked(capacity)), ring_(std::make_unique<Slot[]>(capacity)), send_(capacity) {}

  ~FastQueue() override {
    take_all([](T&&) {});
    if constexpr (Recyclable<T>) {
      const auto used = std::min<std::uint64_t>(send_.steps, capacity_);
      for (std::uint64_t i = 0; i < used; ++i) std::destroy_at(std::addressof(ring_[i].value));
    }
  }

  SendStatus send(T&& value, const Context& until) override {
    const SendStatus status = try_send(value);
    if (status != SendStatus::kFull || until.deadline() == Clock::time_point::min()) return status;
    return wait_and_send(value, until);
  }

  std::optional<T> receive(Clock::time_point deadline) override {
    std::optional<T> value;  // the only returned object: see BoundedQueue::receive()
    receive_into(value, deadline);
    return value;
  }

  bool receive_into(std::optional<T>& value, Clock::time_point deadline) override {
    make_empty(value);  // without a lock: it may run the destructors of what the value owns
    Received received = try_receive(value);
    if (received == Received::kNothing && deadline != Clock::time_point::min()) {
      received = wait_and_receive(value, deadline);
    }
    if (received == Received::kValue) return true;
    value.reset();
    return false;
  }

  void close() noexcept override {
    {
      // Under the lock, so that no send succeeds after close() has returned.
      const std::lock_guard lock(send_.lock);
      closed_.store(true, std::memory_order_release);
    }
    senders_.wake_all();
    receivers_.wake_all();
  }

  std::vector<T> close_and_take_pending() override {
    close();
    std::vector<T> pending;
    pending.reserve(receivers_.available());  // if this throws, all values are still queued
    // A shutdown does this once, so receivers and stats() may wait for all of these moves.
    const std::lock_guard lock(receive_.lock);
    take_all([&](T&& value) {
      pending.push_back(std::move(value));
      ++taken_;
    });
    return pending;
  }

  // The three counts are consistent with each other. The blocked threads are counted just before. A
  // thread counts as blocked from its first sleep until its call returns, which is shortly after
  // its value was counted.
  ChannelStats stats() const override {
    const std::size_t blocked_senders = senders_.blocked();
    const std::size_t blocked_receivers = receivers_.blocked();
    const std::lock_guard no_send(send_.lock);
    const std::lock_guard no_receive(receive_.lock);
    return {send_.steps, receive_.steps - taken_,
            static_cast<std::size_t>(send_.steps - receive_.steps), blocked_senders,
            blocked_receivers};
  }

 private:
  union Slot {
    Slot() {}  // T need not have a default constructor
    ~Slot() {}
    T value;
  };

  enum class Received {
    kValue,
    kNothing,
    kEnd,  // the queue is closed and empty
  };

  static std::size_t checked(std::size_t capacity) {
    if (capacity == 0) {
      throw std::invalid_argument("make_fast_channel: capacity is 0, it must be at least 1");
    }
    if (capacity <= kMaxFastCapacity) return capacity;
    throw std::invalid_argument("make_fast_channel: capacity is " + std::to_string(capacity) +
                                ", it must be at most " + std::to_string(kMaxFastCapacity));
  }

  // A separate function, because waiting is rare and send() should stay short.
  SendStatus wait_and_send(T& value, const Context& until) {
    const std::stop_token cancel = until.stop_token();
    // Created and destroyed without the lock that it takes. (WP-17)
    const std::stop_callback on_cancel(cancel, [this] { senders_.wake_all(); });
    typename WaitingRoom<Threads>::Stay stay(senders_, cancel);
    while (true) {
      stay.wait(until.deadline());
      const SendStatus status = try_send(value);
      if (status != SendStatus::kFull) return status;
      if (cancel.stop_requested() || passed(until.deadline())) return status;
    }
  }

  Received wait_and_receive(std::optional<T>& value, Clock::time_point deadline) {
    typename WaitingRoom<Threads>::Stay stay(receivers_);
    while (true) {
      stay.wait(deadline);
      const Received received = try_receive(value);
      if (received != Received::kNothing || passed(deadline)) return received;
    }
  }

  static bool passed(Clock::time_point deadline) {
    return deadline != Clock::time_point::max() && Threads::now() >= deadline;
  }

  SendStatus try_send(T& value) {
    bool wake = false;
    {
      const std::lock_guard lock(send_.lock);
      if (closed_.load(std::memory_order_relaxed)) return SendStatus::kClosed;
      if (!may_step(send_, receive_)) return SendStatus::kFull;
      // If this throws, nothing has changed.
      put(value);
      step(send_);
      wake = receivers_.wants_one();
    }
    if (wake) receivers_.wake_one();
    return SendStatus::kSent;
  }

  // Of a Recyclable T, `value` holds an empty one.
  Received try_receive(std::optional<T>& value) {
    bool wake = false;
    {
      const std::lock_guard lock(receive_.lock);
      // Read before the count of sent values, so that values sent before the close are seen.
      // (WP-08)
      const bool closed = closed_.load(std::memory_order_acquire);
      if (!may_step(receive_, send_)) return closed ? Received::kEnd : Received::kNothing;
      take(value);
      step(receive_);
      wake = senders_.wants_one();
    }
    if (wake) senders_.wake_one();
    return Received::kValue;
  }

  // Of a Recyclable T, leaves an empty one in `value`.
  static void make_empty(std::optional<T>& value) {
    if constexpr (Recyclable<T>) {
      value ? recycle(*value) : void(value.emplace());
    } else {
      value.reset();
    }
  }

  // If the move throws, nothing has changed. Under the senders' lock.
  void put(T& value) {
    T& slot = slot_of(send_);
    if constexpr (Recyclable<T>) {
      using std::swap;
      if (send_.steps >= capacity_) return swap(slot, value);
    }
    std::construct_at(std::addressof(slot), std::move(value));
    if constexpr (Recyclable<T>) recycle(value);  // a move leaves behind what it likes
  }

  // If the move throws, the value stays queued. Under the receivers' lock.
  void take(std::optional<T>& value) {
    T& slot = slot_of(receive_);
    if constexpr (Recyclable<T>) {
      using std::swap;
      swap(slot, *value);
    } else {
      value.emplace(std::move(slot));
      std::destroy_at(std::addressof(slot));
    }
  }

  // Under the receivers' lock, or in the destructor.
  template <class Take>
  void take_all(Take take) {
    while (may_step(receive_, send_)) {
      T& oldest = slot_of(receive_);
      take(std::move(oldest));
      if constexpr (!Recyclable<T>) std::destroy_at(std::addressof(oldest));
      step(receive_);
    }
  }

  // Returns whether `mine` can make a step. Under its lock.
  bool may_step(Side<Threads>& mine, const Side<Threads>& other) const {
    return mine.steps != mine.limit || read_other(mine, other);
  }

  // Reads the other side's count, which costs both sides a cache miss. If the last reading allowed
  // only a few steps, the other side is working right now, and a short delay lets this reading find
  // more.
  bool read_other(Side<Threads>& mine, const Side<Threads>& other) const {
    constexpr int kPauses = 32;  // fewer than BriefLock spins, because this thread has the lock
    for (int i = 0; mine.found_few && i < kPauses; ++i) Threads::pause();
    mine.limit = other.count.load(std::memory_order_acquire) + mine.head_start;
    const std::uint64_t found = mine.limit - mine.steps;
    // A single step may be the only one, so it causes no delay.
    mine.found_few = found > 1 && found < capacity_ / 2;
    return found > 0;
  }

  T& slot_of(const Side<Threads>& side) { return ring_[side.position].value; }

  void step(Side<Threads>& side) {
    if (++side.position == capacity_) side.position = 0;
    side.count.store(++side.steps, std::memory_order_release);  // publishes the slot (WP-39)
  }

  const std::size_t capacity_;
  const std::unique_ptr<Slot[]> ring_;
  typename Threads::template Atomic<bool> closed_{false};  // set under send_.lock
  std::uint64_t taken_ = 0;                                // guarded by receive_.lock
  mutable Side<Threads> send_;
  mutable Side<Threads> receive_{0};
  WaitingRoom<Threads> senders_{send_,
                                receive_,
                                {.spin_for = Threads::kSendersSpinFor,
                                 .goal = (capacity_ + 1) / 2,
                                 .goal_timeout = std::chrono::microseconds(100)},
                                closed_};
  WaitingRoom<Threads> receivers_{
      receive_,
      send_,
      {.spin_for = Threads::kReceiversSpinFor, .goal = 1, .goal_timeout = kForever},
      closed_};
};

}  // namespace worker_pool
