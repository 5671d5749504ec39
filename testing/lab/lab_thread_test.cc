// lab::thread and lab::jthread behave as the std types of these names.
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

TEST(LabThread, IsJoinedByOneThread) {
  EXPECT_EQ(verdict_of([] {
              thread worker("worker", [] { this_thread::sleep_for(1h); });
              const jthread other("other", [&] { worker.join(); });
              worker.join();
            }),
            "other joins worker, for which join() has been called before");
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
