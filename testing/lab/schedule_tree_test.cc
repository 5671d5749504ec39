// The trees of tiny scenarios, worked out by hand. Compiled without line numbers, so no place is
// known: the last two numbers of lines and states are 0.
#include "testing/lab/schedule_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>

#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"

namespace worker_pool::lab {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ScheduleTree, OfOneThreadHasNoFork) {
  EXPECT_EQ(schedule_tree({}, [] { note("says \"one\""); }),
            "{\"limits\":[2,1],\"schedules\":1,\"failing\":0,\n"
            "\"threads\":[],\n"
            "\"files\":[],\n"
            "\"texts\":[\"says \\\"one\\\"\"],\n"
            "\"lines\":[[0,0,0,0]],\n"
            "\"states\":[],\n"
            "\"nodes\":[{\"verdict\":-1}],\n"
            "\"first\":[0,[0],0]}");
}

void last_store_wins() {
  atomic<int> x(0, "x");
  thread worker("worker", [&] { x = 1; });
  x = 2;
  worker.join();
  check(x == 1, "x is 2");
}

// main can be preempted before each of its two steps. Both times the worker stores first, and the
// store of main wins. The two ends are the same subtree.
constexpr char kOnePreemption[] =
    "{\"limits\":[1,1],\"schedules\":3,\"failing\":2,\n"
    "\"threads\":[\"main\",\"worker\"],\n"
    "\"files\":[],\n"
    "\"texts\":[\"starts worker\",\n"
    "\"goes on\",\n"
    "\"begins\",\n"
    "\"sets x\",\n"
    "\"sets x = 2\",\n"
    "\"waits for worker to exit\",\n"
    "\"sets x = 1\",\n"
    "\"exits\",\n"
    "\"sees x = 1\",\n"
    "\"sees x = 2\",\n"
    "\"x is 2\"],\n"
    "\"lines\":[[0,0,0,0],[0,4,0,0],[0,5,0,0],[1,6,0,0],[1,7,0,0],[0,8,0,0],[0,9,0,0]],\n"
    "\"states\":[[0,1,0,0],[0,2,0,0],[0,3,0,0],[0,7,0,0]],\n"
    "\"nodes\":[{\"verdict\":-1},\n"
    "{\"verdict\":10},\n"
    "{\"states\":[2,1],\"choices\":[[0,0,3,[0,[1,2,3,4,5],0]],[1,1,2,[2,[3,4,1,6],1]]]},\n"
    "{\"states\":[0,1],\"choices\":[[0,0,1,[0,[],2]],[1,1,2,[2,[3,4,1,6],1]]]}],\n"
    "\"first\":[0,[0],3]}";

TEST(ScheduleTree, HasEachScheduleAndStoresEqualSubtreesOnce) {
  EXPECT_EQ(schedule_tree({.max_preemptions = 1}, last_store_wins), kOnePreemption);
}

TEST(ScheduleTree, IsTheSameInEachRun) {
  EXPECT_EQ(schedule_tree({.max_preemptions = 1, .seed = 7}, last_store_wins), kOnePreemption);
  EXPECT_EQ(schedule_tree({.max_preemptions = 1}, last_store_wins), kOnePreemption);
}

// After a preemption of main, another one of the worker: before its store, which wins then, or
// before its exit.
TEST(ScheduleTree, StopsAtTheLimitOfPreemptions) {
  const auto count = [](int preemptions) {
    return schedule_tree({.max_preemptions = preemptions}, last_store_wins);
  };
  EXPECT_THAT(count(0), StartsWith("{\"limits\":[0,1],\"schedules\":1,\"failing\":0,"));
  EXPECT_THAT(count(2), StartsWith("{\"limits\":[2,1],\"schedules\":7,\"failing\":4,"));
}

// While main sleeps, two workers may be first; that main wakes up too early counts as a preemption.
TEST(ScheduleTree, NamesAChoiceBeyondTheLimit) {
  const std::string tree = schedule_tree({.max_preemptions = 0}, [] {
    jthread one("one", [] {});
    jthread two("two", [] {});
    this_thread::sleep_for(std::chrono::seconds(1));
  });
  EXPECT_THAT(tree, HasSubstr("\"schedules\":2,\"failing\":0"));
  const std::string text = "\"is woken by the clock: the other threads are slow\"";
  EXPECT_THAT(tree, HasSubstr(text));
  EXPECT_THAT(tree, HasSubstr("[0,5,8,0]]")) << "thread 0, early timeout, text 8, no edge";
}

TEST(ScheduleTree, StopsAtTheLimitOfSpuriousWakeups) {
  const auto scenario = [] {
    mutex m;
    condition_variable changed("changed");
    bool is_set = false;
    jthread worker("worker", [&] {
      std::unique_lock lock(m);
      while (!is_set) changed.wait(lock);
    });
    const std::lock_guard lock(m);
    is_set = true;
    changed.notify_one();
  };
  const std::string none =
      schedule_tree({.max_preemptions = 1, .max_spurious_wakeups = 0}, scenario);
  EXPECT_EQ(none.find("wakes up without a notification"), std::string::npos);
  EXPECT_THAT(schedule_tree({.max_preemptions = 1}, scenario),
              HasSubstr("wakes up without a notification"));
}

TEST(ScheduleTree, RefusesAScenarioThatDiffersFromRunToRun) {
  int runs = 0;
  EXPECT_THROW(schedule_tree({.max_preemptions = 1},
                             [&] {
                               jthread worker("worker", [] { this_thread::yield(); });
                               jthread another;
                               if (++runs == 2) another = jthread("another", [] {});
                               this_thread::yield();
                             }),
               std::logic_error);
}

}  // namespace
}  // namespace worker_pool::lab
