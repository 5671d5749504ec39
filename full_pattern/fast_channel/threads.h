// StdThreads: what the fast channel asks of threads, locks and clocks, as one type.
//
// A template parameter of FastQueue, so that the schedule explorer of the exercises can put its own
// types in their place and run the same code under every schedule
// (full_pattern/fast_channel/fast_queue_schedules_test.cc).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "step1_job/context.h"

namespace worker_pool {

// A lock for a few instructions: one atomic read-modify-write where a std::mutex needs two. Use it
// with std::lock_guard.
//
// Whoever finds it taken looks a few times more. Then the owner has probably been interrupted, and
// those who wait go one at a time: one lets others run until the lock is free, the rest sleep, and
// newcomers stay behind them. Without that, an owner that comes back at once would always be first,
// and the others would starve: a plain spin lock did that to our stress test.
//
// Not for threads with real-time priorities, where the owner may never run while another yields.
class BriefLock {
 public:
  void lock() {
    if (!somebody_waits_.load(std::memory_order_relaxed) && locks_soon()) return;
    const std::lock_guard my_turn(turns_);
    somebody_waits_.store(true, std::memory_order_relaxed);
    while (!try_lock()) std::this_thread::yield();
    somebody_waits_.store(false, std::memory_order_relaxed);
  }
  void unlock() { locked_.store(false, std::memory_order_release); }  // for the next one's acquire

  // Tells an x86 processor that this is a loop that waits; nothing elsewhere.
  static void pause() {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_ia32_pause();
#endif
  }

 private:
  bool try_lock() { return !locked_.exchange(true, std::memory_order_acquire); }

  bool locks_soon() {
    constexpr int kLooks = 20;
    for (int i = 0; i < kLooks; ++i) {
      // Only looking leaves the cache line where it is.
      if (!locked_.load(std::memory_order_relaxed) && try_lock()) return true;
      pause();
    }
    return false;
  }

  std::atomic<bool> locked_ = false;
  std::atomic<bool> somebody_waits_ = false;
  std::mutex turns_;
};

struct StdThreads {
  using Lock = BriefLock;
  using Mutex = std::mutex;
  using ConditionVariable = std::condition_variable;
  template <class T>
  using Atomic = std::atomic<T>;

  // For how long a thread that has to wait looks on before it goes to sleep. Receivers: for longer
  // than it takes to wake a sleeper, which is tens of microseconds on a virtual machine. Looking
  // for less can fail for ever: the two threads of a ping-pong would keep missing each other, each
  // asleep when the other looks.
  // Senders: less, because on a full queue they wait for work, which may take any time.
  static constexpr Clock::duration kReceiversLookFor = std::chrono::microseconds(50);
  static constexpr Clock::duration kSendersLookFor = std::chrono::microseconds(20);
  static constexpr int kLooksAtATime = 20;  // before it lets others run

  static Clock::time_point now() { return Clock::now(); }
  static void pause() { BriefLock::pause(); }
  static void yield() { std::this_thread::yield(); }

  // False when `deadline` has passed and `done()` is still false.
  template <class Predicate>
  static bool wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                         Clock::time_point deadline, Predicate done) {
    if (deadline != Clock::time_point::max()) return changed.wait_until(lock, deadline, done);
    changed.wait(lock, done);  // not wait_until(max()): some libraries overflow there
    return true;
  }
};

}  // namespace worker_pool
