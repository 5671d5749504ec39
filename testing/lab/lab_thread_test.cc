// lab::thread, lab::atomic and the virtual clock behave as the std types of these names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "testing/lab/engine/hooks.h"
#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"
#include "testing/lab/lab_testing.h"

namespace worker_pool::lab {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// --- thread --------------------------------------------------------------------------------------

TEST(LabThread, TakesArgumentsThatCanOnlyBeMoved) {
  expect_passes([] {
    std::string got;
    thread worker(
        "worker", [&](std::unique_ptr<std::string> text, char end) { got = *text + end; },
        std::make_unique<std::string>("hello"), '!');
    worker.join();
    check(got == "hello!", "got " + got);
  });
}

// When join() returns, everything the function owned is destroyed. Destructors may use lab types.
TEST(LabThread, DestroysItsFunctionBeforeItExits) {
  expect_passes([] {
    mutex m;
    bool destroyed = false;
    const auto destroy = [&](int* owned) {
      const std::lock_guard lock(m);
      destroyed = true;
      delete owned;
    };
    thread worker("worker", [owned = std::unique_ptr<int, decltype(destroy)>(new int, destroy)] {});
    worker.join();
    check(destroyed, "joined before everything was destroyed");
  });
}

// For ThreadSanitizer: a thread that hands over must not read the list of threads afterwards.
TEST(LabThread, CanBeStartedByAnyThreadAtAnyTime) {
  const Options some = {.max_preemptions = -1, .random_schedules = 100};
  const Result result = explore(some, [] {
    const auto start_two = [] {
      jthread first("leaf", [] { this_thread::yield(); });
      jthread second("leaf", [] { this_thread::yield(); });
    };
    jthread a("a", start_two);
    jthread b("b", start_two);
  });
  EXPECT_FALSE(result.failed) << result.story;
}

TEST(LabThread, JoinAndDetachOfNothingAreRefused) {
  EXPECT_EQ(verdict_of([] { thread().join(); }), "join() of a thread that is not joinable");
  EXPECT_EQ(verdict_of([] { thread().detach(); }), "detach() of a thread that is not joinable");
}

TEST(LabThread, IsNotOverwrittenWhileItIsJoinable) {
  EXPECT_THAT(verdict_of([] {
                thread worker("worker", [] {});
                worker = thread();
              }),
              HasSubstr("worker was neither joined nor detached"));
}

TEST(LabThread, MayBeDetachedIfTheScenarioWaitsForItsExit) {
  expect_passes([] {
    mutex m;
    condition_variable done;
    bool is_done = false;
    thread("worker", [&] { this_thread::yield(), is_done = true; }).detach();
    while (running_threads() > 1) this_thread::sleep_for(1ms);
    check(is_done, "it exited before it was done");
  });
}

TEST(LabThread, HasNotExitedWhenItsFlagSaysThatItIsDone) {
  EXPECT_EQ(verdict_of([] {
              const auto is_done = std::make_shared<atomic<bool>>(false);
              thread("worker", [is_done] { *is_done = true; }).detach();
              while (!*is_done) this_thread::sleep_for(1ms);
            }),
            "the scenario returned while worker is still running");
}

TEST(LabJthread, IsJoinedByItsDestructor) {
  EXPECT_EQ(story_of([] {
              bool done = false;
              {
                const jthread worker("worker", [&] { done = true; });
              }
              check(done, "not done");
              check(false, "end");
            }),
            "  main                      worker\n"
            "  ------------------------  ------\n"
            "  waits for worker to exit\n"
            "                            exits\n"
            "  end\n");
}

TEST(LabJthread, IsJoinedBeforeAnotherTakesItsPlace) {
  expect_passes([] {
    bool first_done = false;
    jthread worker("first", [&] { first_done = true; });
    worker = jthread("second", [] {});
    check(first_done, "the first was not joined");
    jthread moved(std::move(worker));
    check(moved.joinable() && !worker.joinable(), "both stand for the second, or none");
  });
}

TEST(LabJthread, LivesInAVector) {
  expect_passes(
      [] {
        int done = 0;
        {
          std::vector<jthread> workers;
          for (int i = 0; i < 2; ++i) workers.emplace_back("worker", [&] { ++done; });
        }
        check(done == 2, "not all were joined");
      },
      {.max_preemptions = 1});
}

// --- atomic --------------------------------------------------------------------------------------

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

// --- Counters and lifetimes ----------------------------------------------------------------------

TEST(LabCounters, RunningThreadsHaveNotExited) {
  expect_passes([] {
    check(running_threads() == 1, "main");
    thread worker("worker", [] {});
    const std::size_t running = running_threads();
    check(running == 1 || running == 2, "main, and the worker unless it has exited");
    worker.join();
    check(running_threads() == 1, "main again");
  });
}

// The thread starts before the member that it uses is constructed.
struct StartsTooEarly {
  thread worker{"worker", [this] { const std::lock_guard lock(m); }};
  mutex m;
  ~StartsTooEarly() { worker.join(); }
};

TEST(LabLifetime, MutexUsedBeforeItsConstruction) {
  EXPECT_EQ(verdict_of([] { StartsTooEarly it; }),
            has_hooks()
                ? "data race on mutex: main constructs it, worker locks it, nothing orders them"
                : "worker uses a mutex that does not exist yet, has been destroyed, or is of "
                  "another schedule (is it a static variable?)");
}

TEST(LabLifetime, ConditionVariableUsedAfterItsDestruction) {
  EXPECT_EQ(verdict_of([] {
              alignas(condition_variable) std::byte memory[sizeof(condition_variable)];
              auto* const changed =
                  std::construct_at(reinterpret_cast<condition_variable*>(memory));
              std::destroy_at(changed);
              changed->notify_one();
            }),
            "main uses a condition variable that does not exist yet, has been destroyed, or is of "
            "another schedule (is it a static variable?)");
}

TEST(LabNames, AreMadeUnique) {
  EXPECT_EQ(verdict_of([] {
              mutex first;
              mutex second;
              second.unlock();
            }),
            "main unlocks mutex 2, which it does not hold");
}

}  // namespace
}  // namespace worker_pool::lab
