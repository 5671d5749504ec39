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

struct StdThreads {
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
  // Tells the processor that this is a loop that waits.
  static void pause() {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_ia32_pause();
#endif
  }
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
