// StdThreads: the threads, locks and clock that the fast channel uses, as one type.
//
// It is a template parameter of FastQueue, so that a test can replace it by the types of the lab
// and explore the schedules of the code that ships: see fast_queue_schedules_test.cc.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "full_pattern/fast_channel/brief_lock.h"
#include "step1_job/context.h"

namespace worker_pool {

struct StdThreads {
  using Lock = BriefLock;
  using Mutex = std::mutex;
  using ConditionVariable = std::condition_variable;
  template <class T>
  using Atomic = std::atomic<T>;

  // How long a thread that has to wait spins before it sleeps. Receivers that spin for less than a
  // wake-up takes may miss each other in every trip of a ping-pong, each asleep while the other one
  // spins. 50 microseconds are enough where a woken thread runs after 28 (machine A of the
  // benchmarks). On machine E it runs after 80 to 115; there, sleeps were rare all the same,
  // because a trip takes about 1 microsecond (README.md). Senders spin for less, because on a full
  // queue they wait for work to be done, which may take any time.
  static constexpr Clock::duration kReceiversSpinFor = std::chrono::microseconds(50);
  static constexpr Clock::duration kSendersSpinFor = std::chrono::microseconds(20);
  // A yield is a system call, in which a thread does not see what it waits for. These checks take
  // longer than a value needs from one processor to another and back (benchmarks/limits.cc).
  static constexpr int kSpinsBeforeYield = 60;

  static Clock::time_point now() { return Clock::now(); }
  static void pause() { BriefLock::pause(); }
  static void yield() { std::this_thread::yield(); }

  // Returns false if `deadline` has passed and done() is still false.
  template <class Predicate>
  static bool wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                         Clock::time_point deadline, Predicate done) {
    if (deadline != Clock::time_point::max()) return changed.wait_until(lock, deadline, done);
    changed.wait(lock, done);  // some libraries overflow in wait_until(max())
    return true;
  }
};

}  // namespace worker_pool
