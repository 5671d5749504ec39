// BriefLock: a lock for a few instructions, cheaper than std::mutex.
//
//   BriefLock lock;
//   { const std::lock_guard guard(lock); ++count; }
//
// It needs one atomic read-modify-write per critical section; a std::mutex needs two.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

namespace worker_pool {

// A thread that finds the lock taken spins a few times. If the lock is still taken, its owner has
// probably been interrupted, and the waiters queue up on a mutex: the first one yields until the
// lock is free, the others sleep, and while one of them is trying, later threads queue up behind
// it. Without this queue, an owner that locks again at once could starve the waiters: with a plain
// spin lock our stress test did.
//
// Do not use it between threads with different real-time priorities: the owner might never run
// while a waiter yields.
class BriefLock {
 public:
  void lock() {
    if (!has_waiters_.load(std::memory_order_relaxed) && lock_while_spinning()) return;
    const std::lock_guard first_waiter(waiters_);
    has_waiters_.store(true, std::memory_order_relaxed);
    while (!try_lock()) std::this_thread::yield();
    has_waiters_.store(false, std::memory_order_relaxed);
  }
  void unlock() { locked_.store(false, std::memory_order_release); }  // pairs with try_lock()

  // Makes a waiting loop cheaper for other threads: for some tens of cycles, the processor runs
  // none of its instructions. Does nothing on processors other than x86-64 and arm64.
  static void pause() {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    // Not `yield`, which most of these processors ignore. `isb` waits until the pipeline is empty.
    asm volatile("isb" ::: "memory");
#endif
  }

 private:
  bool try_lock() { return !locked_.exchange(true, std::memory_order_acquire); }

  bool lock_while_spinning() {
    // Longer than the owner needs, also if it waits for a cache line of another processor, and if
    // it pauses itself (FastQueue::read_other). With 20 spins, waiters gave up and slept on the
    // mutex.
    constexpr int kSpins = 64;
    for (int i = 0; i < kSpins; ++i) {
      // A load alone leaves the cache line with its owner.
      if (!locked_.load(std::memory_order_relaxed) && try_lock()) return true;
      pause();
    }
    return false;
  }

  std::atomic<bool> locked_ = false;
  std::atomic<bool> has_waiters_ = false;
  std::mutex waiters_;  // its owner is the waiter that tries; the others sleep
};

}  // namespace worker_pool
