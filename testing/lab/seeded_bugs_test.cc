// Lost wake-ups. The explorer finds each of these bugs, its story explains the bug, and the version
// in which one line is fixed passes.
#include "testing/lab/seeded_bugs.h"

#include <gtest/gtest.h>

#include <deque>
#include <mutex>

#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"

namespace worker_pool::lab {
namespace {

// For three threads the default limits give thousands of schedules. These give less than a hundred.
const Options kThreeThreads = {.max_preemptions = 1, .max_spurious_wakeups = 0};

// --- Waiting without a predicate ---------------------------------------------------------------

void bare_wait(bool fixed) {
  mutex m;
  condition_variable work_ready("work_ready");
  bool is_ready = false;
  thread worker("worker", [&] {
    std::unique_lock lock(m);
    fixed ? work_ready.wait(lock, [&] { return is_ready; }) : work_ready.wait(lock);
  });
  {
    const std::lock_guard lock(m);
    is_ready = true;
  }
  work_ready.notify_one();
  worker.join();
}

// A notification is not kept for a thread that goes to sleep later.
TEST(SeededBug, BareWaitSleepsThroughAnEarlierNotification) {
  expect_found({.preemptions = 0,
                .verdict = "deadlock: main waits forever for worker to exit; worker waits forever "
                           "on work_ready",
                .story = {"main notifies work_ready: no thread is waiting",
                          "main waits for worker to exit", "worker goes to sleep on work_ready"}},
               bare_wait);
  expect_fixed(bare_wait);
}

void if_in_place_of_while(bool fixed) {
  mutex m;
  condition_variable work_ready("work_ready");
  std::deque<int> jobs;
  thread worker("worker", [&] {
    std::unique_lock lock(m);
    if (jobs.empty()) work_ready.wait(lock);
    while (fixed && jobs.empty()) work_ready.wait(lock);
    check(!jobs.empty(), "worker takes a job from an empty queue");
    jobs.pop_front();
  });
  {
    const std::lock_guard lock(m);
    jobs.push_back(1);
  }
  work_ready.notify_one();
  worker.join();
}

// The preemption lets the worker go to sleep before there is a job.
TEST(SeededBug, BareWaitBelievesASpuriousWakeup) {
  expect_found({.preemptions = 1,
                .verdict = "worker takes a job from an empty queue",
                .story = {"worker goes to sleep on work_ready", "worker has a spurious wake-up",
                          "worker wakes up"}},
               if_in_place_of_while);
  expect_fixed(if_in_place_of_while);
}

// --- The stop flag is set without the mutex ----------------------------------------------------

void stop_without_mutex(bool fixed) {
  mutex m;
  condition_variable work_ready("work_ready");
  atomic<bool> stop(false, "stop");
  thread worker("worker", [&] {
    std::unique_lock lock(m);
    while (!stop) work_ready.wait(lock);
  });
  {
    const auto lock = fixed ? std::unique_lock(m) : std::unique_lock<mutex>();
    stop = true;
  }
  work_ready.notify_all();
  worker.join();
}

// One preemption starts the worker. The other is after it has checked the flag, before its sleep.
TEST(SeededBug, StopWithoutTheMutexIsLost) {
  expect_found({.preemptions = 2,
                .verdict = "deadlock: main waits forever for worker to exit; worker waits forever "
                           "on work_ready",
                .story = {"worker sees stop = false", "main sets stop = true",
                          "main notifies all on work_ready: no thread is waiting",
                          "worker goes to sleep on work_ready"}},
               stop_without_mutex);
  expect_fixed(stop_without_mutex);
}

// --- One condition variable for two kinds of waiters -------------------------------------------

// A queue with room for one: two receivers, and a sender that sends one item to each.
void one_condition_variable(bool fixed) {
  mutex m;
  condition_variable changed("changed");
  condition_variable has_room("has_room");
  condition_variable& for_sender = fixed ? has_room : changed;
  bool is_full = false;
  const auto receive = [&] {
    std::unique_lock lock(m);
    changed.wait(lock, [&] { return is_full; });
    is_full = false;
    for_sender.notify_one();
  };
  const auto send = [&] {
    std::unique_lock lock(m);
    for_sender.wait(lock, [&] { return !is_full; });
    is_full = true;
    changed.notify_one();
  };
  thread worker("worker", receive);
  thread sender("sender", [&] { send(), send(); });
  receive();
  worker.join();
  sender.join();
}

// The receiver that made room wakes the other receiver instead of the sender.
TEST(SeededBug, OneConditionVariableWakesTheWrongKind) {
  expect_found(
      {.preemptions = 0,
       .verdict = "deadlock: main waits forever for worker to exit; worker waits forever on "
                  "changed; sender waits forever on changed",
       .story = {"main goes to sleep on changed", "worker goes to sleep on changed",
                 "sender notifies changed: wakes main", "sender goes to sleep on changed",
                 "main notifies changed: wakes worker", "worker goes to sleep on changed"}},
      one_condition_variable);
  expect_fixed(one_condition_variable, kThreeThreads);
}

// --- Two notifications for two waiters ---------------------------------------------------------

// Assumes that two calls of notify_one() wake two threads. But the first thread may sleep again,
// waiting for something else, before the second call, which may then wake the same thread.
void two_notifications(bool fixed) {
  mutex m;
  condition_variable changed("changed");
  bool is_open = false;
  bool is_over = false;
  const auto wait_for = [&](const bool& condition) {
    std::unique_lock lock(m);
    changed.wait(lock, [&] { return condition; });
  };
  thread worker("worker", [&] { wait_for(is_open), wait_for(is_over); });
  thread opener("opener", [&] {
    {
      const std::lock_guard lock(m);
      is_open = true;
    }
    fixed ? changed.notify_all() : changed.notify_one();
    if (!fixed) changed.notify_one();
  });
  wait_for(is_open);
  {
    const std::lock_guard lock(m);
    is_over = true;
  }
  changed.notify_all();
  worker.join();
  opener.join();
}

TEST(SeededBug, TwoNotificationsWakeTheSameThreadTwice) {
  expect_found(
      {.preemptions = 1,
       .verdict = "deadlock: main waits forever on changed; worker waits forever on changed",
       .story = {"main goes to sleep on changed", "worker goes to sleep on changed",
                 "opener notifies changed: wakes worker", "worker goes to sleep on changed",
                 "opener notifies changed: wakes worker", "worker goes to sleep on changed"}},
      two_notifications);
  expect_fixed(two_notifications, kThreeThreads);
}

}  // namespace
}  // namespace worker_pool::lab
