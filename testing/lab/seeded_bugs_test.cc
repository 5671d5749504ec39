// Wake-ups that go lost. The explorer finds each of these bugs, tells how it comes about, and
// passes the version in which one line is mended.
#include "testing/lab/seeded_bugs.h"

#include <gtest/gtest.h>

#include <deque>
#include <mutex>

#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"

namespace worker_pool::lab {
namespace {

// The default limits mean thousands of schedules for three threads; these, less than a hundred.
const Options kThreeThreads = {.max_preemptions = 1, .max_spurious_wakeups = 0};

// --- Waiting without a predicate ---------------------------------------------------------------

void bare_wait(bool mended) {
  mutex m;
  condition_variable work_ready("work_ready");
  bool is_ready = false;
  thread worker("worker", [&] {
    std::unique_lock lock(m);
    mended ? work_ready.wait(lock, [&] { return is_ready; }) : work_ready.wait(lock);
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
                .verdict = "deadlock: main waits for ever for worker to end; worker waits for ever "
                           "on work_ready",
                .story = {"main notifies work_ready: nobody is waiting",
                          "main waits for worker to end", "worker goes to sleep on work_ready"}},
               bare_wait);
  expect_mended(bare_wait);
}

void if_in_place_of_while(bool mended) {
  mutex m;
  condition_variable work_ready("work_ready");
  std::deque<int> jobs;
  thread worker("worker", [&] {
    std::unique_lock lock(m);
    if (jobs.empty()) work_ready.wait(lock);
    while (mended && jobs.empty()) work_ready.wait(lock);
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
                .story = {"worker goes to sleep on work_ready",
                          "worker is woken by nobody (a spurious wake-up)", "worker wakes up"}},
               if_in_place_of_while);
  expect_mended(if_in_place_of_while);
}

// --- The stop flag is set without the mutex ----------------------------------------------------

void stop_without_mutex(bool mended) {
  mutex m;
  condition_variable work_ready("work_ready");
  atomic<bool> stop(false, "stop");
  thread worker("worker", [&] {
    std::unique_lock lock(m);
    while (!stop) work_ready.wait(lock);
  });
  {
    const auto lock = mended ? std::unique_lock(m) : std::unique_lock<mutex>();
    stop = true;
  }
  work_ready.notify_all();
  worker.join();
}

// One preemption lets the worker begin, the other is between its look at the flag and its sleep.
TEST(SeededBug, StopWithoutTheMutexIsLost) {
  expect_found({.preemptions = 2,
                .verdict = "deadlock: main waits for ever for worker to end; worker waits for ever "
                           "on work_ready",
                .story = {"worker sees stop = false", "main sets stop = true",
                          "main notifies all on work_ready: nobody is waiting",
                          "worker goes to sleep on work_ready"}},
               stop_without_mutex);
  expect_mended(stop_without_mutex);
}

// --- One condition variable for two kinds of waiters -------------------------------------------

// A queue with room for one: two receivers, and a sender that sends one item to each.
void one_condition_variable(bool mended) {
  mutex m;
  condition_variable changed("changed");
  condition_variable has_room("has_room");
  condition_variable& for_sender = mended ? has_room : changed;
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

// The receiver that has made room wakes the other receiver, not the sender.
TEST(SeededBug, OneConditionVariableWakesTheWrongKind) {
  expect_found(
      {.preemptions = 0,
       .verdict = "deadlock: main waits for ever for worker to end; worker waits for ever on "
                  "changed; sender waits for ever on changed",
       .story = {"main goes to sleep on changed", "worker goes to sleep on changed",
                 "sender notifies changed: wakes main", "sender goes to sleep on changed",
                 "main notifies changed: wakes worker", "worker goes to sleep on changed"}},
      one_condition_variable);
  expect_mended(one_condition_variable, kThreeThreads);
}

// --- Two notifications for two waiters ---------------------------------------------------------

// Assumes that two calls of notify_one() wake two threads. But the first thread may be asleep again
// before the second call, waiting for something else, and then that may wake it once more.
void two_notifications(bool mended) {
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
    mended ? changed.notify_all() : changed.notify_one();
    if (!mended) changed.notify_one();
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
       .verdict = "deadlock: main waits for ever on changed; worker waits for ever on changed",
       .story = {"main goes to sleep on changed", "worker goes to sleep on changed",
                 "opener notifies changed: wakes worker", "worker goes to sleep on changed",
                 "opener notifies changed: wakes worker", "worker goes to sleep on changed"}},
      two_notifications);
  expect_mended(two_notifications, kThreeThreads);
}

}  // namespace
}  // namespace worker_pool::lab
