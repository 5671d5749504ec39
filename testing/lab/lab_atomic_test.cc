// lab::atomic behaves as std::atomic.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>

#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"
#include "testing/lab/lab_testing.h"

namespace worker_pool::lab {
namespace {

TEST(LabAtomic, WithANameRecordsEveryLoadAndEveryStore) {
  EXPECT_EQ(story_of([] {
              atomic<bool> stop(false, "stop");
              stop = true;
              check(stop, "not set");
              atomic<int> count(5, "count");
              int expected = 4;
              check(!count.compare_exchange_strong(expected, 6) && expected == 5, "it was 5");
              check(count.compare_exchange_strong(expected, 6), "it is 5");
              check(count.fetch_add(2) == 6 && count.fetch_sub(1) == 8, "the value before");
              check(++count == 8 && count++ == 8 && --count == 8 && count-- == 8, "as of an int");
              check(count.exchange(1) == 7 && count.load() == 1, "exchanged");
              check(false, "end");
            }),
            "  main  sets stop = true\n"
            "  main  sees stop = true\n"
            "  main  sees count = 5\n"
            "  main  sets count = 6\n"
            "  main  sets count = 8\n"
            "  main  sets count = 7\n"
            "  main  sets count = 8\n"
            "  main  sets count = 9\n"
            "  main  sets count = 8\n"
            "  main  sets count = 7\n"
            "  main  sets count = 1\n"
            "  main  sees count = 1\n"
            "  end\n");
}

TEST(LabAtomic, WithoutANameRecordsNothing) {
  EXPECT_EQ(story_of([] {
              atomic<int> count(0);
              ++count;
              check(false, "end");
            }),
            "  end\n");
}

TEST(LabAtomic, CountsInUnsignedTypes) {
  expect_passes([] {
    atomic<unsigned short> count(1);
    count.fetch_sub(1);
    check(count.load() == 0, "one less than one is none");
  });
}

TEST(LabAtomic, AWeakCompareExchangeMayFailForNoReason) {
  const auto scenario = [] {
    atomic<int> value(5);
    int expected = 5;
    check(value.compare_exchange_weak(expected, 6), "it failed");
  };
  EXPECT_EQ(verdict_of(scenario), "it failed");
  EXPECT_NE(explore({}, scenario).story.find("fails in compare_exchange_weak()"),
            std::string::npos);
}

TEST(LabAtomic, AStrongCompareExchangeFailsOnlyForAReason) {
  expect_passes([] {
    atomic<int> value(5);
    int expected = 5;
    check(value.compare_exchange_strong(expected, 6), "it failed");
    check(!value.compare_exchange_strong(expected, 7) && expected == 6, "it is not 5 any more");
  });
}

TEST(LabAtomic, ComparesBits) {
  struct Word {
    bool operator==(const Word&) const { return true; }

    int state;
    int value;
  };
  expect_passes([] {
    atomic<Word> word(Word{1, 2});
    Word expected{1, 3};
    check(!word.compare_exchange_strong(expected, {4, 5}), "it compares only the first");
    check(word.compare_exchange_strong(expected, {4, 5}), "`expected` was not updated");
    check(word.load().value == 5, "it is not set");
  });
}

// Unlike one on a std::atomic (std_types_test.cc).
TEST(LabAtomic, ASpinLockLooksEndless) {
  const auto verdict = verdict_of([] {
    atomic<bool> is_locked = false;
    const auto lock_once = [&] {
      while (is_locked.exchange(true)) this_thread::yield();
      is_locked = false;
    };
    jthread one(lock_once);
    jthread other(lock_once);
  });
  EXPECT_TRUE(verdict.ends_with("a thread loops forever")) << verdict;
}

// --- atomic with stale reads ---------------------------------------------------------------------

std::string verdict_with_stale_reads(const std::function<void()>& scenario) {
  return explore({.random_schedules = 0, .stale_reads = true}, scenario).verdict;
}

template <std::memory_order store, std::memory_order load>
void pass_a_message() {
  atomic<int> message(0, "message");
  atomic<bool> ready(false, "ready");
  jthread sender("sender", [&] {
    message.store(5, std::memory_order_relaxed);
    ready.store(true, store);
  });
  if (ready.load(load)) {
    check(message.load(std::memory_order_relaxed) == 5, "ready, but no message");
  }
}

TEST(LabAtomicStaleReads, ReleaseAndAcquirePassAMessage) {
  EXPECT_EQ(verdict_with_stale_reads(
                pass_a_message<std::memory_order_release, std::memory_order_acquire>),
            "");
}

TEST(LabAtomicStaleReads, RelaxedMayNotPassAMessage) {
  EXPECT_EQ(verdict_with_stale_reads(
                pass_a_message<std::memory_order_relaxed, std::memory_order_acquire>),
            "ready, but no message");
  EXPECT_EQ(verdict_with_stale_reads(
                pass_a_message<std::memory_order_release, std::memory_order_relaxed>),
            "ready, but no message");
}

TEST(LabAtomicStaleReads, NeedTheOption) {
  expect_passes(pass_a_message<std::memory_order_relaxed, std::memory_order_relaxed>);
}

TEST(LabAtomicStaleReads, AThreadThatLoadsTheSameValueAgainAndAgainLetsOthersRun) {
  const auto scenario = [] {
    atomic<bool> ready = false;
    jthread setter("setter", [&] { ready = true; });
    while (!ready) {
    }
  };
  EXPECT_EQ(verdict_with_stale_reads(scenario), "");
  EXPECT_TRUE(verdict_of(scenario).ends_with("a thread loops forever"));
}

TEST(LabAtomicStaleReads, NeverGoBackwards) {
  EXPECT_EQ(verdict_with_stale_reads([] {
              atomic<int> value(0);
              jthread writer("writer", [&] {
                value.store(1, std::memory_order_relaxed);
                ++value;
              });
              int seen = 5;
              value.compare_exchange_strong(seen, 7, std::memory_order_relaxed);
              const int later = value.load(std::memory_order_relaxed);
              check(seen <= later, "the value went backwards");
            }),
            "");
}

TEST(LabAtomicStaleReads, NeverGoBackwardsAfterACompareThatFailedForNoReason) {
  EXPECT_EQ(verdict_with_stale_reads([] {
              atomic<int> value(0);
              jthread writer("writer", [&] { value.store(1, std::memory_order_relaxed); });
              int seen = 1;
              if (value.compare_exchange_weak(seen, 1, std::memory_order_relaxed)) return;
              const int later = value.load(std::memory_order_relaxed);
              check(seen <= later, "the value went backwards");
            }),
            "");
}

// The exchange fails, so it is a load, and the sender releases nothing.
TEST(LabAtomicStaleReads, AFailedCompareExchangeIsNoRelease) {
  EXPECT_EQ(verdict_with_stale_reads([] {
              atomic<int> message(0);
              atomic<int> link(0);
              atomic<bool> ready(false);
              jthread sender("sender", [&] {
                message.store(5, std::memory_order_relaxed);
                int other = 1;
                link.compare_exchange_strong(other, 2, std::memory_order_acq_rel);
                ready.store(true, std::memory_order_relaxed);
              });
              if (!ready.load(std::memory_order_relaxed)) return;
              (void)link.load(std::memory_order_acquire);
              check(message.load(std::memory_order_relaxed) == 5, "ready, but no message");
            }),
            "ready, but no message");
}

// The receiver's exchange fails, which is a load with the second order.
template <std::memory_order if_it_fails>
void read_by_a_failed_exchange() {
  atomic<int> message(0);
  atomic<bool> ready(false);
  jthread sender("sender", [&] {
    message.store(5, std::memory_order_relaxed);
    ready.store(true, std::memory_order_release);
  });
  bool unset = false;
  if (ready.compare_exchange_strong(unset, false, std::memory_order_relaxed, if_it_fails)) return;
  check(message.load(std::memory_order_relaxed) == 5, "ready, but no message");
}

TEST(LabAtomicStaleReads, AFailedCompareExchangeHasAnOrderOfItsOwn) {
  EXPECT_EQ(verdict_with_stale_reads(read_by_a_failed_exchange<std::memory_order_acquire>), "");
  EXPECT_EQ(verdict_with_stale_reads(read_by_a_failed_exchange<std::memory_order_relaxed>),
            "ready, but no message");
}

TEST(LabAtomicStaleReads, AnUpdateSeesTheNewestValue) {
  EXPECT_EQ(verdict_with_stale_reads([] {
              atomic<int> count(0);
              const auto add = [&] { count.fetch_add(1, std::memory_order_relaxed); };
              thread one("one", add);
              thread other("other", add);
              one.join();
              other.join();
              check(count.load(std::memory_order_relaxed) == 2, "an update was lost");
            }),
            "");
}

}  // namespace
}  // namespace worker_pool::lab
