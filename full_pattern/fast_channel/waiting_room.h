// WaitingRoom: where the threads of one side of a fast channel wait, and which thread wakes them.
//
// A wake-up is a system call and costs as much as 500 to 1,000 sends (benchmarks/limits.cc). So
//   1. a thread that has to wait spins for some microseconds before it sleeps (WP-53). If spinning
//      has failed recently, only some of the waits spin;
//   2. no thread is woken while another thread of its side spins or is waking up, unless rule 3
//      wants it. A thread that ends its wait wakes the next one if enough steps are left for it;
//   3. a sender on a full queue waits until half of the queue is free, and that much is enough to
//      wake one sender. After 100 microseconds of sleep its own timer wakes it. While a sender
//      sleeps on after that, one free place is enough.
//
// No wake-up is lost: README.md explains why ("Why no thread sleeps forever"), and
// fast_queue_schedules_test.cc explores the schedules of small scenarios within stated bounds.
//
// Lock order: the mutex of a room, then the lock of a Side.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <utility>

#include "full_pattern/fast_channel/side.h"
#include "step1_job/context.h"
#include "step2_worker/scoped_count.h"
#include "step3_dispatcher/cache_line.h"

namespace worker_pool {

// Where the threads of one side wait. Thread-safe. Only wants_one() may be called under a Side's
// lock.
template <class Threads>
class WaitingRoom {
 public:
  struct Habits {
    Clock::duration spin_for;      // before sleeping
    std::uint64_t goal;            // how many possible steps are worth a wake-up, ...
    Clock::duration goal_timeout;  // ... until a thread has slept this long; then one step is
  };

  // For threads of `mine` that wait for steps of `other`. Refers to all arguments.
  WaitingRoom(Side<Threads>& mine, Side<Threads>& other, const Habits& habits,
              const typename Threads::template Atomic<bool>& closed)
      : mine_(mine), other_(other), habits_(habits), closed_(closed) {}

  // The wait of one thread, from its first failed try until it succeeds or gives up. The destructor
  // wakes another thread if enough steps are possible.
  class Stay {
   public:
    explicit Stay(WaitingRoom& room, std::stop_token cancel = {})
        : room_(room), cancel_(std::move(cancel)) {}
    ~Stay() { room_.leave(*this); }
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;

    // Blocks until another try makes sense, until `deadline`, or until `cancel` was requested and
    // then wake_all() was called. It may spin for some microseconds before it sees the cancel.
    void wait(Clock::time_point deadline) { room_.wait(*this, deadline); }

   private:
    friend class WaitingRoom;
    WaitingRoom& room_;
    const std::stop_token cancel_;
    bool arrived_ = false;   // counted in awake_, except while it sleeps
    bool found_ = false;     // found a step without sleeping
    bool blocked_ = false;   // counted in blocked_
    bool any_step_ = false;  // has slept for goal_timeout, so one step is enough
  };

  // Returns how many steps `mine` can make: at least as many as when the call began.
  std::uint64_t available() const {
    // In this order: a step of the other side in between only increases the result.
    const std::uint64_t done = mine_.count.load(std::memory_order_acquire);
    return other_.count.load(std::memory_order_acquire) + mine_.head_start - done;
  }

  // For the other side, under its lock, after a step: returns whether to call wake_one().
  bool wants_one() const { return other_.wake && (!other_.at_goal || available() >= habits_.goal); }

  // Wakes one thread, if one still has to be woken.
  void wake_one() {
    {
      const std::lock_guard lock(mutex_);
      const bool wakes = wake_is_wanted();
      if (wakes) {
        ++notified_;
        ++awake_;  // counts as awake from now on, although it does not run yet
      }
      announce();
      if (!wakes) return;
    }
    changed_.notify_one();
  }

  // To be called after `closed` was set, or after a stay was canceled.
  void wake_all() {
    // A thread that has not seen that holds the mutex now, or sleeps once we hold it. (WP-03)
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
  static constexpr std::uint64_t kMaxSpinPeriod = 16;

  // Counts a thread as asleep. mutex_ is held. A destructor ends it, because pthread_cancel()
  // leaves a sleep without returning: see scoped_count.h.
  class Asleep {
   public:
    explicit Asleep(const Stay& stay) : stay_(stay) {
      --stay.room_.awake_;
      ++stay.room_.asleep_;
    }
    ~Asleep() {
      WaitingRoom& room = stay_.room_;
      --room.asleep_;
      // The thread is awake again, whatever ended its sleep. A notified one is counted already.
      room.notified_ > 0 ? --room.notified_ : ++room.awake_;
      room.announce();
    }
    Asleep(const Asleep&) = delete;
    Asleep& operator=(const Asleep&) = delete;

   private:
    const Stay& stay_;
  };

  bool ready(std::uint64_t enough) const {
    return closed_.load(std::memory_order_acquire) || available() >= enough;
  }

  void wait(Stay& stay, Clock::time_point deadline) {
    const bool spins = should_spin(stay);
    stay.found_ = spins ? spin(deadline) : ready(habits_.goal);
    if (!stay.found_) sleep(stay, deadline, spins);
  }

  // The more often spinning fails, the fewer waits spin at all: down to every 16th.
  bool should_spin(Stay& stay) {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(stay.arrived_, true)) ++awake_;
    return ++waits_ % spin_period_ == 0;
  }

  bool spin(Clock::time_point deadline) const {
    const Clock::time_point end = std::min(deadline, Threads::now() + habits_.spin_for);
    while (true) {
      for (int i = 0; i < Threads::kSpinsBeforeYield; ++i) {
        if (ready(habits_.goal)) return true;
        Threads::pause();
      }
      if (Threads::now() >= end) return false;
      Threads::yield();  // the thread that we wait for may need this processor
    }
  }

  void sleep(Stay& stay, Clock::time_point deadline, bool has_spun) {
    std::unique_lock lock(mutex_);
    if (has_spun) spin_period_ = std::min(2 * spin_period_, kMaxSpinPeriod);
    if (!std::exchange(stay.blocked_, true)) ++blocked_;
    const Asleep asleep(stay);
    if (!stay.any_step_ && !sleep_until(stay, goal_deadline(deadline), habits_.goal, lock)) {
      stay.any_step_ = true;
    }
    if (stay.any_step_) {
      const ScopedCount counted(any_step_);
      sleep_until(stay, deadline, 1, lock);
    }
  }

  Clock::time_point goal_deadline(Clock::time_point deadline) const {
    if (habits_.goal_timeout == kForever) return deadline;
    return std::min(deadline, Threads::now() + habits_.goal_timeout);
  }

  // Returns false at the deadline.
  bool sleep_until(const Stay& stay, Clock::time_point deadline, std::uint64_t enough,
                   std::unique_lock<typename Threads::Mutex>& lock) {
    announce();
    if (ready(enough)) return true;  // checked again after the announcement
    return Threads::wait_until(changed_, lock, deadline, [&] {
      return notified_ > 0 || closed_.load() || stay.cancel_.stop_requested();
    });
  }

  void leave(Stay& stay) {
    std::uint64_t enough = 0;
    {
      const std::lock_guard lock(mutex_);
      if (stay.found_) spin_period_ = 1;
      if (stay.blocked_) --blocked_;
      if (!stay.arrived_) return;
      --awake_;
      announce();
      enough = any_step_ > 0 ? 1 : habits_.goal;  // as announced, so wants_one() has the same rule
    }
    if (available() >= enough) wake_one();  // after announce(): README.md, "Design notes"
  }

  // True if a thread sleeps, and either no thread is awake that will see the next step, or a
  // sleeper has waited for so long that a single step must wake it: a spinning thread may ignore a
  // single step, or may take each one first. mutex_ is held.
  bool wake_is_wanted() const { return asleep_ > notified_ && (awake_ == 0 || any_step_ > 0); }

  // Tells the other side whether and when to wake a thread, if that has changed. mutex_ is held.
  void announce() {
    const bool wake = wake_is_wanted();
    const bool at_goal = any_step_ == 0;
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

  // Not on the cache line of the references above: the other side reads those in every step, and
  // this mutex is written in every wait. It guards the members below.
  alignas(kCacheLine) mutable typename Threads::Mutex mutex_;
  typename Threads::ConditionVariable changed_;
  std::size_t blocked_ = 0;   // stays in which the thread has slept
  std::size_t asleep_ = 0;    // including notified_
  std::size_t notified_ = 0;  // woken, and not running yet
  std::size_t any_step_ = 0;  // sleeping threads that a single step must wake
  std::size_t awake_ = 0;     // spinning or notified threads, which will see the next step
  std::uint64_t waits_ = 0;
  std::uint64_t spin_period_ = 1;
  bool announced_wake_ = false;
  bool announced_at_goal_ = false;
};

}  // namespace worker_pool
