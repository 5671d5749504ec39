// Shutdowns that never finish, or finish too early. The explorer finds each of these bugs, its
// story explains the bug, and the version in which one line is fixed passes.
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <mutex>
#include <string>

#include "testing/lab/lab.h"
#include "testing/lab/seeded_bugs.h"

namespace worker_pool::lab {
namespace {

using namespace std::chrono_literals;

// --- Close wakes only receivers ----------------------------------------------------------------

void close_wakes_receivers(bool fixed) {
  mutex m;
  condition_variable not_empty("not_empty");
  condition_variable not_full("not_full");
  std::deque<int> items = {1};  // all that there is room for
  bool closed = false;
  thread sender("sender", [&] {
    std::unique_lock lock(m);
    not_full.wait(lock, [&] { return closed || items.empty(); });
  });
  {
    const std::lock_guard lock(m);
    closed = true;
  }
  not_empty.notify_all();
  if (fixed) not_full.notify_all();
  sender.join();
}

TEST(SeededBug, CloseForgetsABlockedSender) {
  expect_found({.preemptions = 1,
                .verdict = "deadlock: main waits forever for sender to exit; sender waits forever "
                           "on not_full",
                .story = {"sender goes to sleep on not_full",
                          "main notifies all on not_empty: no thread is waiting",
                          "main waits for sender to exit"}},
               close_wakes_receivers);
  expect_fixed(close_wakes_receivers);
}

// --- Lock order inversion (WP-33) ----------------------------------------------------------------

void lock_order(bool fixed) {
  mutex queue("queue lock");
  mutex log("log lock");
  thread worker("worker", [&] {
    const std::lock_guard first(fixed ? queue : log);
    const std::lock_guard second(fixed ? log : queue);
  });
  {
    const std::lock_guard first(queue);
    const std::lock_guard second(log);
  }
  worker.join();
}

TEST(SeededBug, LockOrderInversionDeadlocks) {
  expect_found({.preemptions = 1,
                .verdict = "deadlock: main waits forever for log lock, which worker holds; worker "
                           "waits forever for queue lock, which main holds",
                .story = {"worker waits for queue lock, which main holds"}},
               lock_order);
  expect_fixed(lock_order);
}

// --- A wait group that is counted inside the thread --------------------------------------------

void counted_inside(bool fixed) {
  mutex m;
  condition_variable all_done("all_done");
  int running = 0;
  bool done = false;
  const auto count = [&](int change) {
    const std::lock_guard lock(m);
    running += change;
    note("counts " + std::to_string(running));
    if (running == 0) all_done.notify_all();
  };
  if (fixed) count(+1);
  thread worker("worker", [&] {
    if (!fixed) count(+1);
    done = true;
    count(-1);
  });
  {
    std::unique_lock lock(m);
    all_done.wait(lock, [&] { return running == 0; });
    note("need not wait any longer");
  }
  check(done, "main went on before the job was done");
  worker.join();
}

TEST(SeededBug, WaitGroupCountedInsideTheThreadIsEmptyAtFirst) {
  expect_found({.preemptions = 0,
                .verdict = "main went on before the job was done",
                .story = {"main need not wait any longer", "main went on before the job was done"}},
               counted_inside);
  expect_fixed(counted_inside);
}

// --- A timed wait, and then a join -------------------------------------------------------------

void timed_wait_then_join(bool fixed) {
  mutex m;
  condition_variable cancelled("cancelled");
  condition_variable finished("finished");
  bool is_cancelled = false;
  bool is_finished = false;
  thread worker("worker", [&] {
    std::unique_lock lock(m);
    cancelled.wait(lock, [&] { return is_cancelled; });  // a job that only a cancel ends
    is_finished = true;
    finished.notify_one();
  });
  {
    std::unique_lock lock(m);
    const bool in_time = finished.wait_for(lock, 200ms, [&] { return is_finished; });
    is_cancelled = fixed && !in_time;
    if (is_cancelled) cancelled.notify_one();
  }
  worker.join();
}

TEST(SeededBug, JoinAfterATimedWaitHangs) {
  expect_found({.preemptions = 0,
                .verdict = "deadlock: main waits forever for worker to exit; worker waits forever "
                           "on cancelled",
                .story = {"main goes to sleep on finished", "worker goes to sleep on cancelled",
                          "main wakes up: timed out", "main waits for worker to exit"}},
               timed_wait_then_join);
  expect_fixed(timed_wait_then_join);
}

}  // namespace
}  // namespace worker_pool::lab
