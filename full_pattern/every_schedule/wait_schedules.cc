// The wait group of step 2 and the contexts of step 1 under every schedule.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "full_pattern/every_schedule/every_schedule.h"
#include "step1_job/context.h"
#include "step1_job/linked_context.h"
#include "step2_worker/wait_group.h"
#include "testing/lab/explorer.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

TEST(WaitGroupSchedules, CanBeDestroyedRightAfterTheWait) {
  expect_every_schedule([] {
    auto group = std::make_unique<WaitGroup>();
    int done = 0;  // ordered by the group
    std::jthread member([&done, token = group->add()]() mutable {
      ++done;
      const auto leaves = std::move(token);
    });
    std::jthread other([token = group->add()] {});
    group->wait();
    lab::check(done == 1, "the wait returned before the member had left");
    group.reset();
  });
}

TEST(WaitGroupSchedules, AStopRequestEndsTheWait) {
  expect_every_schedule([] {
    std::stop_source stop;
    WaitGroup group;
    std::jthread member([token = group.add()] {});
    std::jthread canceler([&] { stop.request_stop(); });
    const bool is_empty = group.wait(Context(stop.get_token()));
    lab::check(is_empty || stop.stop_requested(), "the wait ended without a reason");
  });
}

TEST(WaitGroupSchedules, ATimeoutEndsTheWait) {
  expect_every_schedule([] {
    WaitGroup group;
    std::jthread member([token = group.add()] { std::this_thread::sleep_for(1h); });
    const auto start = Clock::now();
    const bool is_empty = group.wait_for(1ms);
    lab::check(is_empty || Clock::now() - start >= 1ms, "the wait ended too early");
  });
}

TEST(ContextSchedules, AStopRequestEndsASleep) {
  expect_every_schedule([] {
    std::stop_source stop;
    std::jthread sleeper([token = stop.get_token()] {
      lab::check(!Context(token).sleep_for(kForever), "slept for the whole of forever");
    });
    stop.request_stop();
  });
}

// The clock moves only if no thread can run, so the stop comes in time.
TEST(ContextSchedules, AStopRequestEndsASleepWithATimeout) {
  const auto scenario = [] {
    std::stop_source stop;
    std::jthread sleeper([token = stop.get_token()] {
      lab::check(!Context(token).sleep_for(1h), "slept for the whole hour");
    });
    stop.request_stop();
  };
  expect_every_schedule(scenario, {.max_preemptions = preemptions(), .early_timeouts = false});
}

// In virtual time, the clock can show exactly the deadline.
TEST(ContextSchedules, HasEndedAtItsDeadline) {
  expect_every_schedule([] {
    const Context late = Context().with_timeout(0s);
    lab::check(late.deadline() == Clock::now(), "the clock has advanced by itself");
    lab::check(late.err().has_value(), "has not ended at its deadline");
    lab::check(!Context().with_timeout(1ms).sleep_for(1h), "slept beyond its deadline");
  });
}

TEST(ContextSchedules, AReasonNeverChanges) {
  expect_every_schedule([] {
    ContextSource pool;
    const Context ctx = pool.context();
    std::jthread canceler([&pool, &ctx] {
      pool.request_stop();
      const auto first = ctx.err();
      lab::check(first.has_value(), "stopped, and has no reason");
      std::this_thread::sleep_for(1h);
      lab::check(ctx.err() == first, "the reason has changed");
    });
    pool.request_shut_down();
    lab::check(ctx.err().has_value(), "shut down, and has no reason");
  });
}

TEST(ContextSchedules, EitherParentEndsALinkedContext) {
  expect_every_schedule([] {
    std::stop_source a;
    std::stop_source b;
    std::jthread sleeper([a = a.get_token(), b = b.get_token()] {
      const LinkedContext linked{Context(a), Context(b)};
      lab::check(!linked.context().sleep_for(kForever), "slept for the whole of forever");
    });
    std::jthread other([&] { b.request_stop(); });
    a.request_stop();
  });
}

// The count is a plain int: a stop that the destructor has not waited for is a data race.
TEST(ContextSchedules, ALinkMayBeDestroyedDuringTheStopsOfBothParents) {
  expect_every_schedule([] {
    std::stop_source a;
    std::stop_source b;
    int stops = 0;
    std::optional<LinkedContext> linked(std::in_place, Context(a.get_token()),
                                        Context(b.get_token()));
    const std::stop_callback count(linked->context().stop_token(), [&] { ++stops; });
    std::jthread first([&] { a.request_stop(); });
    std::jthread second([&] { b.request_stop(); });
    linked.reset();
    const int stops_while_linked = stops;
    first.join();
    second.join();
    lab::check(stops == stops_while_linked, "passed on a stop after the link was destroyed");
    lab::check(stops <= 1, "passed on both stops");
  });
}

}  // namespace
}  // namespace worker_pool
