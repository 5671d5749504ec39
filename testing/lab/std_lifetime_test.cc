// Tests how long things live under the explorer, with std's own types: threads up to their exit,
// what weak and atomic shared pointers refer to, static variables, and memory from one schedule to
// the next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "testing/lab/explorer.h"
#include "testing/lab/lab_testing.h"

namespace worker_pool::lab {
namespace {

using ::testing::HasSubstr;

// --- Threads -------------------------------------------------------------------------------------

struct Signal {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_set = false;

  void set() {
    const std::lock_guard lock(mutex);
    is_set = true;
    changed.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return is_set; });
  }
};

// It may still run after the last thing that another thread can see of it.
TEST(StdThread, HasNotExitedWhenItSaysThatItIsDone) {
  EXPECT_EQ(verdict_of([] {
              const auto done = std::make_shared<Signal>();
              std::thread([done] { done->set(); }).detach();
              done->wait();
            }),
            "the scenario returned while thread is still running");
}

// Its unlock() is all that the other thread can see: no notification, and no count of references.
TEST(StdThread, HasNotExitedAfterItsLastUnlock) {
  EXPECT_EQ(verdict_of([] {
              Signal done;
              std::thread([&done] {
                const std::lock_guard lock(done.mutex);
                done.is_set = true;
              }).detach();
              const auto is_done = [&done] {
                const std::lock_guard lock(done.mutex);
                return done.is_set;
              };
              while (!is_done()) std::this_thread::yield();
            }),
            "the scenario returned while thread is still running");
}

TEST(StdThread, HasExitedWhenItIsJoined) {
  expect_passes([] {
    const auto done = std::make_shared<Signal>();
    std::thread thread([done] { done->set(); });
    done->wait();
    thread.join();
    check(running_threads() == 1, "it is still running");
  });
}

TEST(StdThread, IsJoinedByOneThread) {
  EXPECT_EQ(verdict_of([] {
              std::thread joined([] { std::this_thread::sleep_for(std::chrono::hours(1)); });
              std::thread other([&] { joined.join(); });
              joined.join();
              other.join();
            }),
            "thread 2 joins thread, for which join() has been called before");
}

// Each of them has to let the other one make a step first.
TEST(StdThread, TwoThatYieldToEachOtherGoOn) {
  expect_passes(
      [] {
        std::jthread first([] { std::this_thread::yield(); });
        std::jthread second([] { std::this_thread::yield(); });
      },
      {.max_preemptions = 0});
}

// --- Weak pointers -------------------------------------------------------------------------------

TEST(WeakPtr, MayExpireAfterItHasNot) {
  EXPECT_EQ(verdict_of([] {
              auto owner = std::make_shared<int>(7);
              const std::weak_ptr<int> weak = owner;
              const std::jthread user([&weak] {
                if (!weak.expired()) check(weak.lock() != nullptr, "it has expired since");
              });
              owner.reset();
            }),
            "it has expired since");
}

TEST(WeakPtr, KeepsWhatItHasLocked) {
  expect_passes([] {
    auto owner = std::make_shared<int>(7);
    const std::weak_ptr<int> weak = owner;
    const std::jthread user([&weak] {
      if (const std::shared_ptr<int> locked = weak.lock())
        check(*locked == 7, "it has another value");
    });
    owner.reset();
  });
}

// --- Atomic shared pointers ----------------------------------------------------------------------

#ifdef __cpp_lib_atomic_shared_ptr  // libc++ has none

TEST(AtomicSharedPtr, KeepsWhatAReaderHasLoaded) {
  expect_passes([] {
    std::atomic<std::shared_ptr<const int>> current = std::make_shared<const int>(7);
    std::jthread reader([&current] {
      const std::shared_ptr<const int> loaded = current.load();
      check(*loaded == 7 || *loaded == 8, "it has another value");
    });
    current.store(std::make_shared<const int>(8));
    reader.join();
    check(*current.load() == 8, "the new value is lost");
  });
}

TEST(AtomicSharedPtr, DoesNotOrderWhatIsChangedAfterTheStore) {
  EXPECT_THAT(verdict_of([] {
                std::atomic<std::shared_ptr<int>> current;
                const auto value = std::make_shared<int>(7);
                const std::jthread reader([&current] {
                  if (const auto loaded = current.load()) check(*loaded >= 7, "too small");
                });
                current.store(value);
                ++*value;
              }),
              HasSubstr("data race"));
}

#endif

// --- Static variables ----------------------------------------------------------------------------

const std::string& name_of_all() {
  static const std::string name(20, 'x');
  return name;
}

// Only the first schedule constructs it. All have the same forks nevertheless.
TEST(StaticVariable, IsConstructedByAThirdThread) {
  expect_passes([] {
    std::jthread first([] {});
    std::jthread second([] {});
    check(name_of_all().size() == 20, "not constructed");
  });
}

// --- Memory --------------------------------------------------------------------------------------

TEST(Memory, IsNotZeroAtFirst) {
  expect_passes([] {
    const auto bytes = std::make_unique_for_overwrite<volatile unsigned char[]>(100);
    for (std::size_t i = 0; i < 100; ++i) check(bytes[i] == 0xfe, "it was written to");
  });
}

// Each schedule leaves 8 MiB behind, and a thread has 64 MiB.
TEST(Memory, ThatAScheduleLeavesBehindIsNoneOfTheNext) {
  std::vector<char*> left;
  expect_passes(
      [&left] {
        left.push_back(new char[std::size_t{8} << 20]);
        std::jthread first([] { std::this_thread::yield(); });
        std::jthread second([] { std::this_thread::yield(); });
      },
      {.max_preemptions = 0});
  EXPECT_GT(left.size(), 8);
  for (const char* const bytes : left) delete[] bytes;
}

// Nor can a copy be right that the lab does not see, as those of memcpy() in code compiled by GCC.
TEST(Memory, DoesNotKeepItsValueWhenItIsFreed) {
  const Result result = explore({}, [] {
    char* const text = new char[4]{'t', 'e', 'x', 't'};
    char* volatile same = text;  // the compiler does not see that it is the same
    delete[] text;
    char copy[4];
    std::memcpy(copy, same, sizeof copy);
    check(std::string_view(copy, sizeof copy) == "text", "the copy is not right");
  });
  EXPECT_TRUE(result.failed);
}

TEST(Memory, MustBeFreedIfTheOptionsSaySo) {
  const auto leaks = [] { (void)std::make_unique<std::string>(100, 'x').release(); };
  const auto fails = [](const auto& scenario, std::string schedule) {
    return explore({.replay = std::move(schedule), .must_free_memory = true}, scenario).verdict;
  };
  constexpr const char* kLeak =
      "2 blocks of memory, allocated by the code or its test, are never freed";
  EXPECT_EQ(fails(leaks, ""), kLeak);
  EXPECT_EQ(fails(leaks, "0"), kLeak) << "a replay";
  expect_passes(leaks);
}

// The second one is first used in a later schedule.
TEST(Memory, OfAStaticVariableNeedNotBeFreed) {
  const auto scenario = [] {
    static const std::string first(100, 'x');
    check(first.size() == 100, "the text has another length");
    std::atomic<bool> done = false;
    std::jthread thread([&done] { done = true; });
    if (done) return;
    static const std::string second(100, 'x');
    check(second.size() == 100, "the text has another length");
  };
  EXPECT_EQ(explore({.must_free_memory = true}, scenario).verdict, "");
}

TEST(Memory, MustNotBeFreedTwice) {
  EXPECT_EQ(verdict_of([] {
              int* const number = new int(7);
              int* volatile same = number;  // the compiler does not see that it is the same
              delete number;
              delete same;
            }),
            "main frees memory a second time");
}

TEST(Memory, MustNotBeFreedWithAMutexThatIsHeld) {
  EXPECT_THAT(verdict_of([] {
                auto mutex = std::make_unique<std::mutex>();
                std::jthread owner([&m = *mutex] {
                  m.lock();
                  std::this_thread::sleep_for(std::chrono::hours(1));
                  m.unlock();
                });
                std::this_thread::sleep_for(std::chrono::nanoseconds(1));
                mutex.reset();
              }),
              HasSubstr("main destroys "));
}

// The count of references orders the last use of the object and its end.
TEST(Memory, OfAnExceptionIsFreedByTheLastThreadThatHasIt) {
  struct Error {
    int code;
  };
  expect_passes([] {
    std::promise<void> promise;
    std::future<void> future = promise.get_future();
    std::jthread worker([promise = std::move(promise)]() mutable {
      try {
        throw Error{5};
      } catch (...) {
        promise.set_exception(std::current_exception());
      }
    });
    try {
      future.get();
    } catch (const Error& error) {
      check(error.code == 5, "another error");
    }
  });
}

TEST(Memory, OfAThreadHasALimit) {
  EXPECT_THAT(verdict_of([] {
                std::vector<std::unique_ptr<char[]>> blocks;
                while (true) blocks.push_back(std::make_unique_for_overwrite<char[]>(4'000'000));
              }),
              HasSubstr("main has allocated 64 MiB in this schedule"));
}

}  // namespace
}  // namespace worker_pool::lab
