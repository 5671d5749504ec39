// Tests the verdicts on data races. Compiled with hooks.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"
#include "testing/lab/lab_testing.h"

namespace worker_pool::lab {
namespace {

struct Account {
  int balance_ = 0;
};

TEST(DataRace, NamesBothPlaces) {
  const auto scenario = [] {
    Account account;
    thread worker("worker", [&] { account.balance_ = 1; });
    account.balance_ += 2;
    worker.join();
  };
  EXPECT_EQ(verdict_of(scenario),
            "data race on balance_: main writes at races_in_the_lab_test.cc:27 "
            "(account.balance_ += 2;), worker writes at races_in_the_lab_test.cc:26 "
            "(thread worker(\"worker\", [&] { account.balance_ = 1; });), nothing orders them");
}

// It does not depend on the schedule that the race is found in: the first one is enough.
TEST(DataRace, IsFoundInTheFirstSchedule) {
  const Result result = explore({}, [] {
    int shared = 0;
    thread worker([&] { ++shared; });
    ++shared;
    worker.join();
  });
  EXPECT_TRUE(result.failed);
  EXPECT_EQ(result.schedules, 1u);
}

TEST(DataRace, IsTheSameTextInEveryRun) {
  const auto scenario = [] {
    std::vector<int> shared(3);
    thread worker([&] { shared.push_back(1); });
    shared.clear();
    worker.join();
  };
  const std::string verdict = verdict_of(scenario);
  EXPECT_NE(verdict.find("data race on"), std::string::npos) << verdict;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(verdict_of(scenario), verdict);
}

TEST(DataRace, AMutexPreventsIt) {
  expect_passes([] {
    mutex m;
    int shared = 0;
    const auto add = [&] {
      const std::lock_guard lock(m);
      ++shared;
    };
    thread worker(add);
    add();
    worker.join();
    check(shared == 2, "an update was lost");
  });
}

TEST(DataRace, AConditionVariablePassesOnWhatTheMutexOrders) {
  expect_passes([] {
    mutex m;
    condition_variable changed;
    bool is_set = false;
    int message = 0;
    thread worker([&] {
      message = 1;
      const std::lock_guard lock(m);
      is_set = true;
      changed.notify_one();
    });
    {
      std::unique_lock lock(m);
      changed.wait(lock, [&] { return is_set; });
    }
    check(message == 1, "no message");
    worker.join();
  });
}

template <std::memory_order store, std::memory_order load>
std::string message_passing() {
  return verdict_of([] {
    int message = 0;
    atomic<bool> ready(false);
    thread worker("worker", [&] {
      message = 1;
      ready.store(true, store);
    });
    if (ready.load(load)) check(message == 1, "no message");
    worker.join();
  });
}

TEST(DataRace, AcquireAndReleaseOrder) {
  EXPECT_EQ((message_passing<std::memory_order_release, std::memory_order_acquire>()), "");
}

TEST(DataRace, RelaxedOrdersNothing) {
  EXPECT_NE((message_passing<std::memory_order_relaxed, std::memory_order_acquire>())
                .find("data race on message"),
            std::string::npos);
  EXPECT_NE((message_passing<std::memory_order_release, std::memory_order_relaxed>())
                .find("data race on message"),
            std::string::npos);
}

TEST(DataRace, AThreadChangesWhenItIsJoinedOrDetached) {
  for (void (thread::*end)() : {&thread::join, &thread::detach}) {
    EXPECT_NE(verdict_of([end] {
                thread worker("worker", [] {});
                const jthread other("other", [&] { check(worker.joinable(), "it is not"); });
                (worker.*end)();
              }).find("data race on "),
              std::string::npos);
  }
}

// std's atomics are points where another thread may run, as those of the lab are.
TEST(StdAtomic, IsASchedulePoint) {
  EXPECT_EQ(verdict_of([] {
              std::atomic<int> counter = 0;
              const auto add = [&] { counter = counter + 1; };
              thread worker(add);
              add();
              worker.join();
              check(counter == 2, "an update was lost");
            }),
            "an update was lost");
}

// The reference count orders what its owners do before the last one destroys the object.
TEST(SharedPtr, OrdersTheDestruction) {
  expect_passes([] {
    auto shared = std::make_shared<std::array<int, 2>>();
    thread worker([owner = shared] { (*owner)[0] = 1; });
    (*shared)[1] = 1;
    shared.reset();
    worker.join();
  });
}

TEST(Memory, UseAfterFreeIsFound) {
  const std::string verdict = verdict_of([] {
    auto owner = std::make_unique<int>(1);
    int* const user = owner.get();
    owner.reset();
    *user = 2;
  });
  EXPECT_EQ(verdict.substr(0, 17), "use after free of") << verdict;
}

// What a thread's thread_local objects do when they are destroyed is part of the thread.
TEST(ThreadLocal, DestructorsRunBeforeTheJoinReturns) {
  expect_passes([] {
    struct AtExit {
      int* count = nullptr;
      ~AtExit() {
        if (count != nullptr) ++*count;
      }
    };
    int count = 0;
    thread worker([&] {
      thread_local AtExit at_exit;
      at_exit.count = &count;
    });
    worker.join();
    check(count == 1, "join() returned before the destructor had run");
  });
}

}  // namespace
}  // namespace worker_pool::lab
