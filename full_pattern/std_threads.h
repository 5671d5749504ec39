// StdThreads: what the fast channel asks of threads, locks and clocks, as one type.
//
// A template parameter of FastQueue, so that the schedule explorer of the exercises can put its own
// types in their place and run the same code under every schedule
// (exercises/testing/fast_queue_schedules_test.cc).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "step1_job/context.h"

namespace worker_pool {

// A lock for a few instructions. It costs one atomic read-modify-write where a std::mutex costs
// two, and that is half of what a send costs. Use it with std::lock_guard.
//
// A thread that finds it taken looks again and again, and soon lets others run: the owner may be
// waiting for a processor. That is a waste if the owner takes long, so nothing slow belongs under
// it; and under real-time priorities, where yielding to a less important thread does nothing, it
// is no lock at all.
class SpinLock {
 public:
  void lock() {
    // acquire: sees everything that the last owner did. Only looking, in the inner loop, leaves
    // the cache line where it is.
    while (locked_.exchange(true, std::memory_order_acquire)) {
      for (int looks = 0; locked_.load(std::memory_order_relaxed); ++looks) {
        looks < 20 ? pause() : std::this_thread::yield();
      }
    }
  }
  void unlock() { locked_.store(false, std::memory_order_release); }  // to the next owner's acquire

  // Tells the processor that this is a loop that waits.
  static void pause() {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_ia32_pause();
#endif
  }

 private:
  std::atomic<bool> locked_ = false;
};

struct StdThreads {
  using Lock = SpinLock;
  using Mutex = std::mutex;
  using ConditionVariable = std::condition_variable;
  template <class T>
  using Atomic = std::atomic<T>;

  // For how long a thread that has to wait looks on before it goes to sleep. Receivers: for as long
  // as it takes to wake a sleeper on a virtual machine. Looking for less can fail for ever: the two
  // threads of a ping-pong would keep missing each other, each asleep when the other looks.
  // Senders: less, because on a full queue they wait for work, which may take any time.
  static constexpr Clock::duration kReceiversLookFor = std::chrono::microseconds(50);
  static constexpr Clock::duration kSendersLookFor = std::chrono::microseconds(20);
  static constexpr int kLooksAtATime = 20;  // before it lets others run

  static Clock::time_point now() { return Clock::now(); }
  static void pause() { SpinLock::pause(); }
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
