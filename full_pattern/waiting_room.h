// WaitingRoom: where the fast channel's threads wait, and who wakes them.
//
// A wake-up is a system call, and costs as much as a thousand sends. So:
//
//   Look before sleeping.    A thread that has to wait looks on for some microseconds first.
//   One wake-up at a time.   Nobody is woken while a thread of that side is awake and looks: it
//                            will find what there is. Whoever stops looking and leaves something
//                            behind wakes the next (a chain).
//   Not for a single place.  A sender asleep on a full queue is woken when half of it is free,
//                            or after 100 microseconds: then by the very next place.
//
// Why no wake-up is lost. The senders' counter only moves under the senders' lock, and it is there
// that a receiver sets `wake` before it goes to sleep; then it looks at the counter once more. If
// the receiver had the lock first, the next send sees `wake`, and wakes it. If a send had it first,
// the receiver sees the counter that has moved, and does not sleep. The other way round it is the
// same: senders set `wake` under the receivers' lock. Which side a thread belongs to is all that
// differs, so there is one class for both. (A model-checked test says so, too: see std_threads.h.)
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include "step1_job/context.h"

namespace worker_pool {

// What the threads of one side, the senders or the receivers, have in common. Each on cache lines
// of its own: what one side writes in every operation must not slow the other down.
template <class Threads>
struct alignas(64) Side {
  explicit Side(std::uint64_t start) : head_start(start), limit(start) {}

  const std::uint64_t head_start;  // senders may be that far ahead of the receivers, who have none
  typename Threads::Lock lock;     // guards what follows
  std::uint64_t limit;             // how far this side may go, by its last look at the other side
  bool found_few = false;          // at that look
  std::size_t position = 0;        // in the ring, of the next value
  bool wake = false;               // the OTHER side: wake one of us when your counter moves
  bool when_half = false;          // but not before half of the queue is free

  // How many values this side has sent, or received. Written under the lock, with release; whoever
  // reads it with acquire also sees what was done to the values up to there.
  alignas(64) typename Threads::template Atomic<std::uint64_t> count{0};
};

// The room of the threads of one side. Every function may be called from many threads at once; none
// of them under a Side's lock, but for wants_one().
template <class Threads>
class WaitingRoom {
 public:
  // `mine` waits for `other` to go on, until at least one step, and better `goal`, can be made.
  WaitingRoom(Side<Threads>& mine, Side<Threads>& other, std::uint64_t goal,
              Clock::duration look_for, const typename Threads::template Atomic<bool>& closed)
      : mine_(mine), other_(other), goal_(goal), look_for_(look_for), closed_(closed) {}

  // One thread's stay, from its first try in vain until it leaves with or without success. It then
  // wakes the next one if something is left.
  class Stay {
   public:
    explicit Stay(WaitingRoom& room) : room_(room) {}
    ~Stay() { room_.leave(*this); }
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;

    // Blocks until another try makes sense, or until `deadline`.
    void wait(Clock::time_point deadline) { room_.wait(*this, deadline); }

   private:
    friend class WaitingRoom;
    WaitingRoom& room_;
    bool arrived_ = false;  // counted in lookers_, but for the time when it sleeps
    bool found_ = false;    // by looking, without sleep
    bool blocked_ = false;  // counted in blocked_
  };

  // How many steps `mine` can make. Never too few.
  std::uint64_t available() const {
    // In this order: the other side may go on in between, which makes it more.
    const std::uint64_t done = mine_.count.load(std::memory_order_acquire);
    return other_.count.load(std::memory_order_acquire) + mine_.head_start - done;
  }

  // For the other side, under its lock, when it has made a step: whether to call wake_one().
  bool wants_one() const { return other_.wake && (!other_.when_half || available() >= goal_); }

  void wake_one() {
    {
      const std::lock_guard lock(mutex_);
      if (lookers_ > 0 || asleep_ == notified_) return;
      ++notified_;
      ++lookers_;  // from now on, although it does not run yet
      announce();
    }
    changed_.notify_one();
  }

  // After the close.
  void wake_all() {
    // Whoever has not seen the close yet holds the mutex, or sleeps by the time we have it.
    {
      const std::lock_guard lock(mutex_);
    }
    changed_.notify_all();
  }

  std::size_t blocked() const {
    const std::lock_guard lock(mutex_);
    return blocked_;
  }

 private:
  static constexpr std::uint64_t kMaxLookPeriod = 16;
  static constexpr Clock::duration kPatience = std::chrono::microseconds(100);

  bool ready(std::uint64_t enough) const {
    return closed_.load(std::memory_order_acquire) || available() >= enough;
  }

  void wait(Stay& stay, Clock::time_point deadline) {
    const bool worth_a_look = begin_to_look(stay);
    stay.found_ = worth_a_look ? look() : ready(goal_);
    if (!stay.found_) sleep(stay, deadline, worth_a_look);
  }

  // After each look in vain fewer threads look before they sleep: down to every 16th.
  bool begin_to_look(Stay& stay) {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(stay.arrived_, true)) {
      ++lookers_;
      announce();
    }
    return ++stays_ % look_period_ == 0;
  }

  bool look() const {
    const Clock::time_point end = Threads::now() + look_for_;
    while (true) {
      for (int i = 0; i < Threads::kLooksAtATime; ++i) {
        if (ready(goal_)) return true;
        Threads::pause();
      }
      if (Threads::now() >= end) return false;
      Threads::yield();  // the one we wait for may need this processor
    }
  }

  void sleep(Stay& stay, Clock::time_point deadline, bool looked_in_vain) {
    std::unique_lock lock(mutex_);
    if (looked_in_vain) look_period_ = std::min(2 * look_period_, kMaxLookPeriod);
    --lookers_;
    if (!std::exchange(stay.blocked_, true)) ++blocked_;
    ++asleep_;
    const Clock::time_point patience_ends = std::min(deadline, Threads::now() + kPatience);
    if (goal_ == 1 || !sleep_until(patience_ends, goal_, lock)) {
      ++impatient_;
      sleep_until(deadline, 1, lock);
      --impatient_;
    }
    --asleep_;
    // Awake again, and a looker, whatever it was that ended the sleep.
    notified_ > 0 ? --notified_ : ++lookers_;
    announce();
  }

  // False at the deadline.
  bool sleep_until(Clock::time_point deadline, std::uint64_t enough,
                   std::unique_lock<typename Threads::Mutex>& lock) {
    announce();
    if (ready(enough)) return true;  // one more look, after the announcement
    return Threads::wait_until(changed_, lock, deadline,
                               [this] { return notified_ > 0 || closed_.load(); });
  }

  void leave(Stay& stay) {
    {
      const std::lock_guard lock(mutex_);
      if (stay.found_) look_period_ = 1;
      if (stay.blocked_) --blocked_;
      if (!stay.arrived_) return;
      --lookers_;
      announce();
    }
    if (available() > 0) wake_one();  // after the announcement: see the top of this file
  }

  // Tells the other side what it has to do for us, if that has changed. mutex_ is held.
  void announce() {
    const bool wake = asleep_ > notified_ && lookers_ == 0;
    const bool when_half = goal_ > 1 && impatient_ == 0;
    if (wake == announced_wake_ && when_half == announced_when_half_) return;
    announced_wake_ = wake;
    announced_when_half_ = when_half;
    const std::lock_guard lock(other_.lock);
    other_.wake = wake;
    other_.when_half = when_half;
  }

  Side<Threads>& mine_;
  Side<Threads>& other_;
  const std::uint64_t goal_;
  const Clock::duration look_for_;
  const typename Threads::template Atomic<bool>& closed_;

  mutable typename Threads::Mutex mutex_;  // guards everything below
  typename Threads::ConditionVariable changed_;
  std::size_t blocked_ = 0;    // stays in which the thread has slept
  std::size_t asleep_ = 0;     // notified_ included
  std::size_t notified_ = 0;   // woken, and not yet running
  std::size_t impatient_ = 0;  // of those asleep: to be woken for a single step
  std::size_t lookers_ = 0;    // awake, or woken: will see what the other side does
  std::uint64_t stays_ = 0;
  std::uint64_t look_period_ = 1;
  bool announced_wake_ = false;
  bool announced_when_half_ = false;
};

}  // namespace worker_pool
