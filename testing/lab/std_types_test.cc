// Tests std's own types under the explorer, with the hooks for the system's functions, and loads
// that return an older value.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>

#include "testing/lab/explorer.h"
#include "testing/lab/lab_testing.h"

namespace worker_pool::lab {
namespace {

using namespace std::chrono_literals;

// --- What std's types order ----------------------------------------------------------------------

TEST(StdTypes, AMutexOrders) {
  expect_passes([] {
    std::mutex m;
    int shared = 0;
    const auto add = [&] {
      const std::lock_guard lock(m);
      ++shared;
    };
    std::jthread one(add);
    std::jthread other(add);
    one.join();
    other.join();
    check(shared == 2, "an update was lost");
  });
}

TEST(StdTypes, WithoutItThereIsADataRace) {
  const std::string verdict = verdict_of([] {
    int shared = 0;
    std::jthread worker([&] { ++shared; });
    ++shared;
  });
  EXPECT_EQ(verdict.substr(0, 19), "data race on shared") << verdict;
}

TEST(StdTypes, ALostWakeUpIsADeadlock) {
  const std::string verdict = verdict_of([] {
    std::mutex m;
    std::condition_variable changed;
    std::atomic<bool> stop = false;
    std::jthread worker([&] {
      std::unique_lock lock(m);
      changed.wait(lock, [&] { return stop.load(); });
    });
    stop = true;  // without the mutex
    changed.notify_one();
  });
  EXPECT_EQ(verdict,
            "deadlock: main waits forever for thread to exit; thread waits forever on changed");
}

TEST(StdTypes, ATimedWaitEndsAtItsTime) {
  expect_passes(
      [] {
        std::mutex m;
        std::condition_variable never;
        std::unique_lock lock(m);
        const auto start = std::chrono::steady_clock::now();
        check(never.wait_for(lock, 1h) == std::cv_status::timeout, "it was notified");
        check(std::chrono::steady_clock::now() - start == 1h, "not after an hour");
      },
      {.max_spurious_wakeups = 0});
}

TEST(StdTypes, ASleepTakesNoRealTime) {
  expect_passes([] {
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(24h);
    check(std::chrono::steady_clock::now() - start >= 24h, "it woke up too early");
  });
}

TEST(StdTypes, FencesOrder) {
  const auto scenario = [](bool has_fences) {
    int message = 0;
    std::atomic<bool> ready = false;
    std::jthread worker([&] {
      message = 5;
      if (has_fences) std::atomic_thread_fence(std::memory_order_release);
      ready.store(true, std::memory_order_relaxed);
    });
    if (!ready.load(std::memory_order_relaxed)) return;
    if (has_fences) std::atomic_thread_fence(std::memory_order_acquire);
    check(message == 5, "no message");
  };
  expect_passes([&] { scenario(true); });
  EXPECT_EQ(verdict_of([&] { scenario(false); }).substr(0, 20), "data race on message");
}

TEST(StdTypes, TheClockMayPassBeforeItIsRead) {
  EXPECT_EQ(verdict_of([] {
              std::jthread sleeper([] { std::this_thread::sleep_for(1h); });
              const auto start = std::chrono::steady_clock::now();
              check(std::chrono::steady_clock::now() - start < 1h, "an hour later");
            }),
            "an hour later");
}

TEST(StdTypes, ALatchAndASemaphoreOrder) {
  expect_passes([] {
    int message = 0;
    std::latch ready(1);
    std::binary_semaphore done(0);
    std::jthread worker([&] {
      message = 1;
      ready.count_down();
      done.acquire();
      check(message == 2, "no answer");
    });
    ready.wait();
    check(message == 1, "no message");
    message = 2;
    done.release();
  });
}

TEST(StdTypes, AnAtomicWaitOrders) {
  expect_passes([] {
    int message = 0;
    std::atomic<int> ready = 0;
    std::jthread worker([&] {
      message = 1;
      ready.store(1, std::memory_order_release);
      ready.notify_one();
    });
    ready.wait(0, std::memory_order_acquire);
    check(message == 1, "no message");
  });
}

TEST(StdTypes, CallOnceOrders) {
  expect_passes([] {
    std::once_flag once;
    int message = 0;
    const auto work = [&] {
      std::call_once(once, [&] { message = 1; });
      check(message == 1, "no message");
    };
    std::jthread worker(work);
    work();
  });
}

TEST(StdTypes, AStopCallbackHasReturnedWhenItIsDestroyed) {
  expect_passes([] {
    std::stop_source source;
    std::jthread worker([token = source.get_token()] {
      int calls = 0;
      {
        const std::stop_callback count(token, [&] { ++calls; });
      }
      check(calls <= 1, "called twice");
    });
    source.request_stop();
  });
}

TEST(StdTypes, ALoopThatYieldsLetsTheOthersRun) {
  expect_passes([] {
    std::atomic<bool> ready = false;
    std::jthread worker([&] { ready = true; });
    while (!ready) std::this_thread::yield();
  });
}

TEST(StdTypes, AThreadThatIsNotJoinedEndsTheProgram) {
  const std::string verdict = verdict_of([] { std::thread worker([] {}); });
  EXPECT_NE(verdict.find("calls std::terminate"), std::string::npos) << verdict;
}

TEST(StdTypes, AnExceptionThatEscapesIsAVerdict) {
  const std::string verdict =
      verdict_of([] { std::jthread worker([] { throw std::runtime_error("no such job"); }); });
  EXPECT_NE(verdict.find("no such job"), std::string::npos) << verdict;
}

int& static_number() {
  static int* const number = new int(7);
  return *number;
}

TEST(StdTypes, AStaticVariableIsOrdered) {
  expect_passes([] {
    const auto work = [] { check(static_number() == 7, "not constructed"); };
    std::jthread worker(work);
    work();
  });
}

TEST(StdTypes, ACallOnceThatThrowsOrdersTheNext) {
  expect_passes([] {
    std::once_flag once;
    int calls = 0;
    const auto work = [&] {
      try {
        std::call_once(once, [&] {
          if (++calls == 1) throw std::runtime_error("the first call fails");
        });
      } catch (const std::runtime_error&) {
      }
    };
    std::jthread worker(work);
    work();
  });
}

TEST(StdTypes, ASpinLockIsNoEndlessLoop) {
  expect_passes([] {
    std::atomic_flag is_locked;
    int shared = 0;
    const auto add = [&] {
      while (is_locked.test_and_set(std::memory_order_acquire)) {
      }
      ++shared;
      is_locked.clear(std::memory_order_release);
    };
    std::jthread one(add);
    std::jthread other(add);
    one.join();
    other.join();
    check(shared == 2, "an update was lost");
  });
}

// A thread that reads an atomic and works in between does not wait for another one.
TEST(StdTypes, LocksBetweenLoadsAreNoSpinLoop) {
  const auto scenario = [] {
    std::atomic<bool> is_done = false;
    std::mutex m;
    std::jthread worker([&] { is_done = true; });
    int work = 0;
    while (!is_done && work < 4) {
      const std::lock_guard lock(m);
      ++work;
    }
    check(work < 4, "it worked to the end");
  };
  const Result result = explore({.max_preemptions = 0, .random_schedules = 0}, scenario);
  EXPECT_EQ(result.verdict, "it worked to the end") << result.story;
}

#if defined(__GNUC__) && !defined(__clang__)  // Clang does not tell its hooks which one is weak

TEST(StdTypes, AWeakCompareExchangeMayFailForNoReason) {
  const auto scenario = [] {
    std::atomic<int> value = 5;
    int expected = 5;
    check(value.compare_exchange_weak(expected, 6), "it failed");
  };
  EXPECT_EQ(verdict_of(scenario), "it failed");
  EXPECT_NE(explore({}, scenario).story.find("fails in compare_exchange_weak()"),
            std::string::npos);
}

#endif

TEST(StdTypes, ACompareExchangeThatFailsIsARead) {
  expect_passes([] {
    int value = 0;
    std::jthread worker([&] {
      int expected = 5;
      std::atomic_ref(value).compare_exchange_strong(expected, 6);
    });
    check(value == 0, "changed");
  });
}

TEST(StdTypes, AWaitOnAFreedConditionVariableIsFound) {
  const std::string verdict = verdict_of([] {
    std::mutex m;
    auto owner = std::make_unique<std::condition_variable>();
    std::condition_variable& changed = *owner;
    owner.reset();
    std::unique_lock lock(m);
    changed.wait_for(lock, 1s);
  });
  EXPECT_EQ(verdict.substr(0, 14), "use after free") << verdict;
}

// --- Loads that return an older value ------------------------------------------------------------

std::string verdict_with_stale_reads(const std::function<void()>& scenario) {
  return explore({.max_preemptions = 3, .random_schedules = 0, .stale_reads = true}, scenario)
      .verdict;
}

template <std::memory_order store, std::memory_order load>
void message_passing() {
  std::atomic<int> message = 0;
  std::atomic<int> ready = 0;
  std::jthread sender([&] {
    message.store(1, std::memory_order_relaxed);
    ready.store(1, store);
  });
  if (ready.load(load) == 1) {
    check(message.load(std::memory_order_relaxed) == 1, "ready, but no message");
  }
}

TEST(StaleReads, ReleaseAndAcquirePassTheMessage) {
  EXPECT_EQ(verdict_with_stale_reads(
                message_passing<std::memory_order_release, std::memory_order_acquire>),
            "");
}

TEST(StaleReads, RelaxedMayNot) {
  EXPECT_EQ(verdict_with_stale_reads(
                message_passing<std::memory_order_relaxed, std::memory_order_acquire>),
            "ready, but no message");
  EXPECT_EQ(verdict_with_stale_reads(
                message_passing<std::memory_order_release, std::memory_order_relaxed>),
            "ready, but no message");
}

// Each thread sets its flag, and then checks the other one's.
template <std::memory_order store, std::memory_order load>
void two_flags() {
  std::atomic<int> mine = 0;
  std::atomic<int> yours = 0;
  int i_saw = 0;
  int you_saw = 0;
  {
    std::jthread one([&] {
      mine.store(1, store);
      i_saw = yours.load(load);
    });
    std::jthread other([&] {
      yours.store(1, store);
      you_saw = mine.load(load);
    });
  }
  check(i_saw == 1 || you_saw == 1, "neither saw the other's flag");
}

TEST(StaleReads, OnlySequentialConsistencyOrdersTwoFlags) {
  EXPECT_EQ(
      verdict_with_stale_reads(two_flags<std::memory_order_seq_cst, std::memory_order_seq_cst>),
      "");
  EXPECT_EQ(
      verdict_with_stale_reads(two_flags<std::memory_order_release, std::memory_order_acquire>),
      "neither saw the other's flag");
}

TEST(StaleReads, AFailedCompareExchangeIsALoad) {
  EXPECT_EQ(verdict_with_stale_reads([] {
              std::atomic<int> value = 0;
              std::jthread writer([&] { value.store(1, std::memory_order_relaxed); });
              int seen = 5;
              value.compare_exchange_strong(seen, 7, std::memory_order_relaxed);
              const int later = value.load(std::memory_order_relaxed);
              check(seen <= later, "the value went backwards");
            }),
            "");
}

TEST(StaleReads, AThreadNeverReadsAnOlderValueThanBefore) {
  EXPECT_EQ(verdict_with_stale_reads([] {
              std::atomic<int> value = 0;
              std::jthread writer([&] {
                value.store(1, std::memory_order_relaxed);
                value.store(2, std::memory_order_relaxed);
              });
              const int first = value.load(std::memory_order_relaxed);
              const int second = value.load(std::memory_order_relaxed);
              check(first <= second, "the value went backwards");
            }),
            "");
}

}  // namespace
}  // namespace worker_pool::lab
