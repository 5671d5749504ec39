#include "testing/watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <unistd.h>

#include <filesystem>

#include "testing/is_asleep.h"
#endif

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kNoThread = "  no thread that left a note\n";

// Far longer than any limit below, but finite: if the watchdog does not act, the test fails and no
// process is left behind.
void hang() { std::this_thread::sleep_for(5s); }

// The notes are left before the watchdog exists, so its report does not depend on how busy the
// machine is.
void hang_with_two_waiters() {
  const auto notes = std::make_shared<Watchdog::Notes>();
  const Watchdog::Waiting worker(notes, "worker: for a job");
  {
    const Watchdog::Waiting done(notes, "main: done by now");
  }
  const Watchdog::Waiting caller(notes, "main: for the worker");
  const Watchdog watchdog(1ms, notes);
  hang();
}

void hang_without_a_note() {
  const Watchdog watchdog(1ms);
  hang();
}

void hang_with_an_exit_handler() {
  // Plays the destructors that wait for the threads that hang.
  (void)std::atexit([] { std::_Exit(3); });
  hang_without_a_note();
}

void hang_for_at_most(std::chrono::milliseconds limit) {
  const Watchdog watchdog(limit);
  hang();
}

class WatchdogDeathTest : public ::testing::Test {
 protected:
  // The "fast" style forks without exec, which is unsafe in a program with threads.
  WatchdogDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(WatchdogDeathTest, EndsAHangingTestAndSaysWhoWaitsForWhat) {
  Watchdog watchdog;
  EXPECT_EXIT(hang_with_two_waiters(), ExitedWithCode(1),
              HasSubstr("Watchdog: WatchdogDeathTest.EndsAHangingTestAndSaysWhoWaitsForWhat is not "
                        "done after 1 ms. Waiting:\n"
                        "  worker: for a job\n"
                        "  main: for the worker\n"));
}

TEST_F(WatchdogDeathTest, SaysSoWhenNobodyLeftANote) {
  Watchdog watchdog;
  EXPECT_EXIT(hang_without_a_note(), ExitedWithCode(1),
              HasSubstr("is not done after 1 ms. Waiting:\n  no thread that left a note\n"));
}

TEST_F(WatchdogDeathTest, RunsNothingThatCouldHangAgain) {
  Watchdog watchdog;
  EXPECT_EXIT(hang_with_an_exit_handler(), ExitedWithCode(1), HasSubstr("not done after 1 ms"));
}

#if !defined(_WIN32)
void hang_with_the_lock_of(std::FILE* stream) {
  flockfile(stream);
  const Watchdog limited(1ms);
  hang();
  std::_Exit(0);  // the watchdog, too, waits for the lock
}

TEST_F(WatchdogDeathTest, EndsATestThatHoldsTheLockOfStandardOutput) {
  Watchdog watchdog;
  EXPECT_EXIT(hang_with_the_lock_of(stdout), ExitedWithCode(1), HasSubstr("not done after 1 ms"));
}

TEST_F(WatchdogDeathTest, EndsATestThatHoldsTheLockOfStandardError) {
  Watchdog watchdog;
  EXPECT_EXIT(hang_with_the_lock_of(stderr), ExitedWithCode(1), HasSubstr("not done after 1 ms"));
}
#endif

TEST_F(WatchdogDeathTest, IsNotEarly) {
  Watchdog watchdog;
  // Longer than the start of the child takes, so that a watchdog that ends the test early ends it
  // too early here as well.
  constexpr auto kLimit = 200ms;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EXIT(hang_for_at_most(kLimit), ExitedWithCode(1), HasSubstr("not done after 200 ms"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, kLimit);
}

TEST_F(WatchdogDeathTest, IsSilentWhenTheTestIsDoneInTime) {
  Watchdog watchdog;
  const auto be_done_in_time = [] {
    {
      const Watchdog other(1h);
      const auto note = other.waiting("main: for nothing");
    }
    std::_Exit(0);
  };
  EXPECT_EXIT(be_done_in_time(), ExitedWithCode(0), IsEmpty());
}

#if defined(__linux__)
// Whether every thread but this one sleeps.
bool others_are_asleep() {
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    const pid_t number = std::stoi(thread.path().filename());
    if (number != gettid() && !is_asleep(number)) return false;
  }
  return true;
}
#endif

TEST(Watchdog, KeepsNoTestThatIsDoneWaiting) {
  const Watchdog watchdog;
  std::optional<Watchdog> other(std::in_place, 1h);
#if defined(__linux__)
  watchdog.await("both watchdogs to sleep", others_are_asleep);
#endif
  const auto note = watchdog.waiting("test: for the other watchdog to be destroyed");
  other.reset();
}

TEST(Watchdog, NotesLastAsLongAsTheirWaits) {
  const Watchdog watchdog;
  EXPECT_EQ(watchdog.notes()->text(), kNoThread);
  {
    const auto first = watchdog.waiting("first: for a");
    std::optional<Watchdog::Waiting> second(std::in_place, watchdog.notes(), "second: for b");
    const auto third = watchdog.waiting("third: for c");
    EXPECT_EQ(watchdog.notes()->text(), "  first: for a\n  second: for b\n  third: for c\n");
    second.reset();
    EXPECT_EQ(watchdog.notes()->text(), "  first: for a\n  third: for c\n");
  }
  EXPECT_EQ(watchdog.notes()->text(), kNoThread);
}

TEST(Watchdog, EqualNotesAreTwoNotes) {
  const Watchdog watchdog;
  const auto first = watchdog.waiting("worker: for a job");
  {
    const auto second = watchdog.waiting("worker: for a job");
  }
  EXPECT_EQ(watchdog.notes()->text(), "  worker: for a job\n");
}

TEST(Watchdog, KeepsItsNotesApartFromAnothers) {
  const Watchdog watchdog;
  const Watchdog other;
  const auto note = watchdog.waiting("main: for a");
  EXPECT_EQ(other.notes()->text(), kNoThread);
}

TEST(Watchdog, ThreadHasANoteWhileItsBodyRuns) {
  const Watchdog watchdog;
  std::string seen_by_body;
  auto thread = watchdog.thread("worker: for a job", [&, owned = std::make_unique<int>(1)] {
    if (*owned == 1) seen_by_body = watchdog.notes()->text();
  });
  thread.join();
  EXPECT_EQ(seen_by_body, "  worker: for a job\n");
  EXPECT_EQ(watchdog.notes()->text(), kNoThread) << "after the thread has exited";
}

TEST(Watchdog, AwaitLooksAgainUntilDoneAndLeavesANote) {
  const Watchdog watchdog;
  int looks = 0;
  std::string seen;
  watchdog.await("the third look", [&] {
    seen = watchdog.notes()->text();
    return ++looks == 3;
  });
  EXPECT_EQ(looks, 3);
  EXPECT_EQ(seen, "  test: for the third look\n");
  EXPECT_EQ(watchdog.notes()->text(), kNoThread) << "after the wait";
}

TEST(Watchdog, NoteMayOutliveIt) {
  std::unique_ptr<Watchdog::Waiting> note;
  std::weak_ptr<Watchdog::Notes> notes;
  {
    const Watchdog watchdog;
    notes = watchdog.notes();
    note = std::make_unique<Watchdog::Waiting>(watchdog.notes(), "abandoned: finishes late");
  }
  EXPECT_FALSE(notes.expired()) << "the note's place died with the watchdog";
  note.reset();
  EXPECT_TRUE(notes.expired()) << "the notes outlived the watchdog and all notes";
}

TEST(Watchdog, ThreadMayOutliveIt) {
  std::mutex test_is_over;
  std::unique_lock hold(test_is_over);
  std::weak_ptr<Watchdog::Notes> notes;
  std::jthread late;
  {
    const Watchdog watchdog;
    notes = watchdog.notes();
    late = watchdog.thread("abandoned: finishes late",
                           [&] { const std::lock_guard lock(test_is_over); });
  }
  EXPECT_FALSE(notes.expired()) << "the place of the thread's note died with the watchdog";
  hold.unlock();
}

TEST(Watchdog, NotesMayBeLeftAndReadByManyThreadsAtOnce) {
  const Watchdog watchdog;
  std::atomic<int> looks = 0;
  std::atomic<int> done = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.push_back(watchdog.thread("user: leaves notes", [&] {
        watchdog.await("the reader", [&] { return looks > 0; });
        for (int round = 0; round < 100; ++round) {
          const auto note = watchdog.waiting("user: for nothing");
        }
        ++done;
      }));
    }
    watchdog.await("the users", [&] {
      EXPECT_THAT(watchdog.notes()->text(), HasSubstr("  test: for the users\n"));
      ++looks;
      return done == 4;
    });
  }
  EXPECT_EQ(watchdog.notes()->text(), kNoThread);
}

}  // namespace
}  // namespace worker_pool
