// Tests the verdicts on threads that crash. Compiled with hooks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <string>

#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"
#include "testing/lab/lab_testing.h"

namespace worker_pool::lab {
namespace {

using ::testing::StartsWith;

// The verdict on a scenario whose thread "worker" does this.
std::string verdict_of_worker(const std::function<void()>& work) {
  return verdict_of([&] {
    thread worker("worker", work);
    worker.join();
  });
}

TEST(Crash, InvalidMemoryAccess) {
  const auto work = [] {
    volatile int* const nowhere = nullptr;
    *nowhere = 1;
  };
  EXPECT_THAT(verdict_of_worker(work), StartsWith("worker crashes (invalid memory access)"));
}

TEST(Crash, DivisionByZero) {
  const auto work = [] {
    volatile int zero = 0;
    zero = 1 / zero;
  };
  EXPECT_THAT(verdict_of_worker(work), StartsWith("worker crashes (division by zero)"));
}

TEST(Crash, Abort) {
  const std::string verdict = verdict_of_worker([] { std::abort(); });
  EXPECT_THAT(verdict, StartsWith("worker crashes (abort(), for example by a failed assertion)"));
}

TEST(Crash, InvalidInstruction) {
  const std::string verdict = verdict_of_worker([] { std::raise(SIGILL); });
  EXPECT_THAT(verdict, StartsWith("worker crashes (invalid instruction)"));
}

// Ends only when the count is 0 again.
int count_up(volatile int& count) {
  count = count + 1;
  return count == 0 ? 0 : count_up(count) + count;
}

TEST(Crash, FunctionThatCallsItselfForever) {
  const auto work = [] {
    volatile int count = 0;
    count_up(count);
  };
  const std::string verdict = verdict_of_worker(work);
  EXPECT_THAT(verdict, StartsWith("stack overflow in worker, in what crashes_in_the_lab_test.cc:"));
  EXPECT_EQ(verdict_of_worker(work), verdict);
}

TEST(Crash, RecursionInTheScenario) {
  const std::string verdict = verdict_of([] {
    volatile int count = 0;
    count_up(count);
  });
  EXPECT_THAT(verdict, StartsWith("stack overflow in main"));
}

TEST(Crash, LocalVariableThatIsLargerThanTheStack) {
  const auto work = [] {
    volatile char large[std::size_t{64} << 20];
    large[0] = 1;
    large[1] = large[0];
  };
  EXPECT_THAT(verdict_of_worker(work), StartsWith("stack overflow in worker"));
}

TEST(Crash, InAThreadLocalDestructor) {
  const auto work = [] {
    struct AtExit {
      bool is_armed = false;
      ~AtExit() {
        volatile int count = 0;
        if (is_armed) count_up(count);
      }
    };
    thread_local AtExit at_exit;
    at_exit.is_armed = true;
  };
  EXPECT_THAT(verdict_of_worker(work), StartsWith("stack overflow in worker"));
}

}  // namespace
}  // namespace worker_pool::lab
