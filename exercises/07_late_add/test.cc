#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "07_late_add",
    "wait() checked the count before a new thread had reached its first line, add(). A count of "
    "zero means that every member is done, so wait() returned, and its caller went on although the "
    "work had not even started.");

TEST(LateAdd, WaitReturnsWhenAllWorkIsDone) {
  expect_every_schedule(kLesson, [] {
    WaitGroup group;
    std::array<bool, 2> finished{};  // one for each worker: only the group orders them before main
    std::vector<lab::thread> threads;
    for (std::size_t i = 0; i < finished.size(); ++i) {
      lab::note("starts worker " + std::to_string(i + 1));
      threads.push_back(start(group, [&finished, i] {
        lab::note("does its work");
        finished[i] = true;
      }));
    }
    lab::note("calls wait()");
    group.wait();
    lab::note("returns from wait()");
    const auto done = std::ranges::count(finished, true);
    lab::check(done == 2, "wait() returned when " + std::to_string(done) +
                              " of 2 workers had finished their work; wanted: 2 of 2");
    for (lab::thread& thread : threads) thread.join();
  });
}

// The others are simpler: fewer schedules are enough.
const lab::Options kFewer{.max_preemptions = 1, .max_spurious_wakeups = 0, .random_schedules = 20};
const lab::Options kExactTimes{
    .max_preemptions = 1, .early_timeouts = false, .random_schedules = 20};

template <std::size_t kCount>
void check_that_all_work_at_once() {
  WaitGroup group;
  LabGate last_works("the last worker works");
  LabGate others("the other workers may finish");
  std::array<bool, kCount> finished{};
  std::vector<lab::thread> threads;
  for (std::size_t i = 0; i < kCount; ++i) {
    const bool is_last = i == kCount - 1;
    lab::note("starts worker " + std::to_string(i + 1));
    threads.push_back(start(group, [&, i, is_last] {
      is_last ? last_works.open() : others.wait();
      finished[i] = true;
    }));
  }
  last_works.wait();  // without wait(), and while the others work
  others.open();
  group.wait();
  lab::check(std::ranges::count(finished, true) == kCount,
             "wait() returned before all work was done");
  for (lab::thread& thread : threads) thread.join();
}

TEST(LateAdd, StartDoesNotWaitForTheWork) {
  expect_every_schedule(kLesson, [] { check_that_all_work_at_once<3>(); }, kFewer);
  expect_every_schedule(kLesson, [] { check_that_all_work_at_once<30>(); },
                        {.max_preemptions = 0,
                         .max_spurious_wakeups = 0,
                         .max_schedules = 10,
                         .random_schedules = 0});
}

// The waiter wakes up again and again before the work may finish.
TEST(LateAdd, WaitGoesOnHoweverOftenItWakesUp) {
  const auto scenario = [] {
    WaitGroup group;
    LabGate gate("the work may finish");
    bool finished = false;
    lab::thread worker = start(group, [&] {
      gate.wait();
      finished = true;
    });
    lab::thread waiter("waiter", [&] {
      group.wait();
      lab::check(finished, "wait() returned before the worker had finished its work");
    });
    gate.open();
    waiter.join();
    worker.join();
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1, .max_spurious_wakeups = 4, .random_schedules = 0});
}

TEST(LateAdd, WaitOnAnEmptyGroupReturnsAtOnce) {
  const auto scenario = [] {
    WaitGroup other_group;
    LabGate gate("wait() has returned");
    lab::thread thread = start(other_group, [&] { gate.wait(); });
    WaitGroup group;
    lab::note("calls wait() on a group without members");
    const auto called = lab::steady_clock::now();
    group.wait();
    lab::check(lab::steady_clock::now() == called, "wait() on an empty group took time");
    gate.open();
    thread.join();
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(LateAdd, WaitReturnsAsSoonAsTheWorkIsDone) {
  for (const int others : {1, 2}) {
    const auto scenario = [others] {
      WaitGroup group;
      const auto takes = std::chrono::nanoseconds(1'234'567);
      lab::thread worker = start(group, [&] { lab::this_thread::sleep_for(takes); });
      const auto wait = [&] {
        group.wait();
        const auto late_by = lab::steady_clock::now().time_since_epoch() - takes;
        lab::check(late_by == std::chrono::nanoseconds(0),
                   "wait() returned " + std::to_string(late_by.count()) +
                       " ns after the work was done; wanted: at once, because done() wakes it");
      };
      std::vector<lab::jthread> waiters;
      for (int i = 1; i <= others; ++i) waiters.emplace_back("waiter " + std::to_string(i), wait);
      wait();
      waiters.clear();  // joins them
      worker.join();
    };
    lab::Options options = kExactTimes;
    if (others > 1) options.max_preemptions = 0;  // four threads have many schedules
    expect_every_schedule(kLesson, scenario, options);
  }
}

TEST(LateAdd, TwoThreadsMayStartWorkAtOnce) {
  const auto scenario = [] {
    WaitGroup group;
    const auto start_and_wait = [&](const std::string& name) {
      bool finished = false;
      lab::thread worker = start(group, [&] {
        lab::note("does the work of " + name);
        finished = true;
      });
      lab::note("calls wait()");
      group.wait();
      lab::check(finished, name +
                               " started a worker and called wait(), which returned before "
                               "this worker had finished its work");
      worker.join();
    };
    lab::thread other("caller 1", [&] { start_and_wait("caller 1"); });
    start_and_wait("caller 2");
    other.join();
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

TEST(LateAdd, TwoThreadsMayUseAGroupEach) {
  const auto scenario = [] {
    const auto use_a_group = [] {
      WaitGroup group;
      lab::thread worker = start(group, [] {});
      group.wait();
      worker.join();
    };
    lab::thread other("caller 1", use_a_group);
    use_a_group();
    other.join();
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 0, .random_schedules = 0});
}

// One thread stands for 256 members.
TEST(LateAdd, WaitReturnsWhenAllOfManyMembersAreDone) {
  const auto scenario = [] {
    constexpr int kMembers = 256;
    WaitGroup group;
    lab::note("calls add() for 256 members");
    for (int i = 0; i < kMembers; ++i) group.add();
    bool finished = false;
    lab::thread waiter("waiter", [&] {
      group.wait();
      lab::check(finished, "wait() returned, but not all of the 256 members were done");
    });
    lab::this_thread::sleep_for(std::chrono::seconds(1));  // so that the waiter calls wait()
    lab::note("calls done() for 256 members");
    for (int i = 1; i < kMembers; ++i) group.done();
    finished = true;
    group.done();
    waiter.join();
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 0, .random_schedules = 0});
}

TEST(LateAdd, EveryThreadThatWaitsIsWoken) {
  const auto scenario = [] {
    WaitGroup group;
    bool finished = false;
    lab::thread worker = start(group, [&] {
      lab::note("does its work");
      finished = true;
    });
    const auto wait = [&] {
      lab::note("calls wait()");
      group.wait();
      lab::check(finished, "wait() returned before the worker had finished its work");
    };
    lab::thread waiter("waiter", wait);
    wait();
    waiter.join();
    worker.join();
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

// A load may return an older value, unless a memory order forbids it, as on real machines. This
// counts as a preemption.
TEST(LateAdd, WaitIsNotifiedWhenMemoryIsReordered) {
  const auto scenario = [] {
    WaitGroup group;
    bool finished = false;
    lab::thread worker = start(group, [&] { finished = true; });
    group.wait();
    lab::check(finished, "wait() returned before the worker had finished its work");
    worker.join();
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 3, .random_schedules = 0, .stale_reads = true});
}

TEST(LateAdd, WaitGoesOnWhileOtherMembersComeAndGo) {
  const auto scenario = [] {
    WaitGroup group;
    LabGate gate("the long work may finish");
    bool finished = false;
    lab::thread worker = start(group, [&] {
      gate.wait();
      lab::note("finishes the long work");
      finished = true;
    });
    lab::thread waiter("waiter", [&] {
      group.wait();
      lab::check(finished,
                 "wait() returned before the long work was done, because a second worker "
                 "came and went");
    });
    lab::note("starts worker 2, which has nothing to do");
    lab::thread brief = start(group, [] {});
    gate.open();
    brief.join();
    waiter.join();
    worker.join();
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

TEST(LateAdd, TheGroupMayBeDestroyedOnceWaitHasReturned) {
  const auto scenario = [] {
    auto group = std::make_unique<WaitGroup>();
    lab::thread one = start(*group, [] {});
    lab::thread two = start(*group, [] {});
    group->wait();
    lab::note("returns from wait() and destroys the group");
    group.reset();
    one.join();
    two.join();
  };
  // A worker may still be in done() when wait() returns. That takes two preemptions.
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 2, .max_spurious_wakeups = 0, .random_schedules = 20});
}

TEST(LateAdd, TheGroupCanBeUsedAgain) {
  const auto scenario = [] {
    WaitGroup group;
    lab::thread waiter("waiter", [&] { group.wait(); });
    for (const std::string round : {"first", "second"}) {
      bool finished = false;
      lab::note("starts the " + round + " worker");
      lab::thread thread = start(group, [&] {
        lab::note("does its work");
        finished = true;
      });
      group.wait();
      lab::check(finished, "wait() returned before the " + round + " worker was done");
      thread.join();
    }
    waiter.join();
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

TEST(LateAdd, WorkMayStartMoreWork) {
  const auto scenario = [] {
    WaitGroup group;
    lab::thread inner;
    bool finished = false;
    lab::thread outer = start(group, [&] {
      lab::note("starts another worker");
      inner = start(group, [&] {
        lab::note("does its work");
        finished = true;
      });
    });
    group.wait();
    lab::check(finished, "wait() returned before a worker that another worker started was done");
    outer.join();
    inner.join();
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

}  // namespace
}  // namespace worker_pool
