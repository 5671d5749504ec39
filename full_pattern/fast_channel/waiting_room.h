// WaitingRoom: where the fast channel's threads wait, and who wakes them.
//
// A wake-up is a system call, and costs as much as hundreds of sends. So:
//
//   Look before sleeping.    A thread that has to wait looks on for some microseconds first.
//   One wake-up at a time.   Nobody is woken while another thread of that side is looking. Whoever
//                            stops looking and leaves something behind wakes the next (a chain).
//   Not for a single place.  A sender on a full queue waits until half of it is free. When it has
//                            slept for 100 microseconds, its own timer wakes it; from then on every
//                            free place wakes a sender, even if another one is looking.
//
// Why no wake-up is lost. The senders' counter only moves under the senders' lock, and it is under
// that lock that a receiver sets `wake` before it goes to sleep. Then it looks at the counter once
// more. If the receiver had the lock first, the next send sees `wake`, and wakes it. If a send had
// it first, the receiver sees the counter that has moved, and does not sleep. Nor can the wake-up
// come before the sleep: the receiver holds the room's mutex from before it sets `wake` until it
// sleeps, and wake_one() takes that mutex. While another receiver looks, `wake` may not be set;
// then that one wakes the next when it leaves. The other way round it is the same: senders set
// `wake` under the receivers' lock. So there is one class for both sides.
//
// Order of locks: a room's mutex, then a Side's lock.
// full_pattern/fast_channel/fast_queue_schedules_test.cc runs this file under every schedule of
// small scenarios.
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
  typename Threads::Lock lock;     // guards what follows, but for reading `count`
  std::uint64_t limit;             // how far this side may go, by its last look at the other side
  bool found_few = false;          // at that look
  std::size_t position = 0;        // in the ring, of the next value
  // Set by sleepers of the other side: whoever moves our count has to wake one of them; if
  // `at_goal`, only once they can make as many steps as they would like to.
  bool wake = false;
  bool at_goal = false;

  // How many values this side has sent, or received. Written under the lock, with release;
  // whoever reads it with acquire also sees what was done to the values up to there.
  alignas(64) typename Threads::template Atomic<std::uint64_t> count{0};
};

// The room of the threads of one side. Every function may be called from many threads at once; none
// of them under a Side's lock, but for wants_one().
template <class Threads>
class WaitingRoom {
 public:
  struct Habits {
    Clock::duration look_for;  // before going to sleep
    std::uint64_t goal;        // how many steps are worth waking up for, ...
    Clock::duration patience;  // ... for how long; then one is
  };

  // For threads that wait for `other` to go on, so that `mine` can. Refers to all of these.
  WaitingRoom(Side<Threads>& mine, Side<Threads>& other, const Habits& habits,
              const typename Threads::template Atomic<bool>& closed)
      : mine_(mine), other_(other), habits_(habits), closed_(closed) {}

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
    bool arrived_ = false;    // counted in lookers_, but for the time when it sleeps
    bool found_ = false;      // by looking, without sleep
    bool blocked_ = false;    // counted in blocked_
    bool impatient_ = false;  // has slept through its patience
  };

  // How many steps `mine` can make: no fewer than when the call began.
  std::uint64_t available() const {
    // In this order: the other side may go on in between, which makes it more.
    const std::uint64_t done = mine_.count.load(std::memory_order_acquire);
    return other_.count.load(std::memory_order_acquire) + mine_.head_start - done;
  }

  // For the other side, under its lock, when it has made a step: whether to call wake_one().
  bool wants_one() const { return other_.wake && (!other_.at_goal || available() >= habits_.goal); }

  // Without a Side's lock. In vain if nobody needs it any more.
  void wake_one() {
    {
      const std::lock_guard lock(mutex_);
      const bool wakes = wake_is_wanted();
      if (wakes) {
        ++notified_;
        ++lookers_;  // from now on, although it does not run yet
      }
      announce();
      if (!wakes) return;
    }
    changed_.notify_one();
  }

  // After the close.
  void wake_all() {
    // Whoever has not seen the close yet holds the mutex, or sleeps by the time we have it. (WP-03)
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

  bool ready(std::uint64_t enough) const {
    return closed_.load(std::memory_order_acquire) || available() >= enough;
  }

  void wait(Stay& stay, Clock::time_point deadline) {
    const bool worth_a_look = begin_to_look(stay);
    stay.found_ = worth_a_look ? look(deadline) : ready(habits_.goal);
    if (!stay.found_) sleep(stay, deadline, worth_a_look);
  }

  // After each look in vain fewer threads look before they sleep: down to every 16th.
  bool begin_to_look(Stay& stay) {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(stay.arrived_, true)) ++lookers_;
    return ++waits_ % look_period_ == 0;
  }

  bool look(Clock::time_point deadline) const {
    const Clock::time_point end = std::min(deadline, Threads::now() + habits_.look_for);
    while (true) {
      for (int i = 0; i < Threads::kLooksAtATime; ++i) {
        if (ready(habits_.goal)) return true;
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
    if (!stay.impatient_ && !sleep_until(patience_ends(deadline), habits_.goal, lock)) {
      stay.impatient_ = true;
    }
    if (stay.impatient_) {
      ++impatient_;
      sleep_until(deadline, 1, lock);
      --impatient_;
    }
    --asleep_;
    // Awake again, and a looker, whatever it was that ended the sleep.
    notified_ > 0 ? --notified_ : ++lookers_;
    announce();
  }

  Clock::time_point patience_ends(Clock::time_point deadline) const {
    if (habits_.patience == kForever) return deadline;
    return std::min(deadline, Threads::now() + habits_.patience);
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

  // Somebody sleeps, and nobody else will see what happens; or whoever sleeps has waited for long,
  // and those who look may overlook a single step, or be faster again and again. mutex_ is held.
  bool wake_is_wanted() const { return asleep_ > notified_ && (lookers_ == 0 || impatient_ > 0); }

  // Tells the other side what it has to do for us, if that has changed. mutex_ is held.
  void announce() {
    const bool wake = wake_is_wanted();
    const bool at_goal = impatient_ == 0;
    if (wake == announced_wake_ && at_goal == announced_at_goal_) return;
    announced_wake_ = wake;
    announced_at_goal_ = at_goal;
    const std::lock_guard lock(other_.lock);
    other_.wake = wake;
    other_.at_goal = at_goal;
  }

  Side<Threads>& mine_;
  Side<Threads>& other_;
  const Habits habits_;
  const typename Threads::template Atomic<bool>& closed_;

  mutable typename Threads::Mutex mutex_;  // guards everything below
  typename Threads::ConditionVariable changed_;
  std::size_t blocked_ = 0;    // stays in which the thread has slept
  std::size_t asleep_ = 0;     // notified_ included
  std::size_t notified_ = 0;   // woken, and not yet running
  std::size_t impatient_ = 0;  // of those asleep: to be woken for a single step
  std::size_t lookers_ = 0;    // awake, or woken: will see what the other side does
  std::uint64_t waits_ = 0;
  std::uint64_t look_period_ = 1;
  bool announced_wake_ = false;
  bool announced_at_goal_ = false;
};

}  // namespace worker_pool
