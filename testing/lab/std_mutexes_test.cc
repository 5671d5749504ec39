// Tests std's other mutexes under the explorer: recursive ones, and those with a time limit.
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "testing/lab/explorer.h"
#include "testing/lab/lab_testing.h"

namespace worker_pool::lab {
namespace {

using namespace std::chrono_literals;

TEST(StdMutexes, ARecursiveMutexIsLockedTwiceAndUnlockedByItsOwner) {
  const auto scenario = [](bool other_unlocks) {
    std::recursive_mutex m;
    m.lock();
    m.lock();
    if (other_unlocks) std::jthread([&] { m.unlock(); }).join();
    m.unlock();
    m.unlock();
  };
  expect_passes([&] { scenario(false); });
  EXPECT_EQ(verdict_of([&] { scenario(true); }), "thread unlocks m, which it does not hold");
}

TEST(StdMutexes, ATryLockForGivesUp) {
  expect_passes(
      [] {
        std::timed_mutex m;
        const auto start = std::chrono::steady_clock::now();
        std::jthread owner([&] {
          const std::lock_guard lock(m);
          std::this_thread::sleep_for(2s);
        });
        std::this_thread::sleep_for(1ns);  // until the owner sleeps
        check(!m.try_lock_for(1s), "it got the lock");
        check(std::chrono::steady_clock::now() - start == 1s + 1ns, "not after a second");
      },
      {.early_timeouts = false});
}

// Although its owner does nothing that others could see.
TEST(StdMutexes, MayBeHeldWheneverAnotherThreadTriesToLock) {
  EXPECT_EQ(verdict_of([] {
              std::mutex m;
              int shared = 0;
              std::jthread owner([&] {
                const std::lock_guard lock(m);
                ++shared;
              });
              check(m.try_lock() || m.try_lock() || m.try_lock(), "busy three times");
              m.unlock();
            }),
            "busy three times");
}

}  // namespace
}  // namespace worker_pool::lab
