// The pool under load, on real threads and in real time. It runs on every system, and under the
// sanitizers. Which schedules occur is up to the operating system, so the verdict on the exercise
// is that of test.cc.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <expected>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing/watchdog.h"

#include EXERCISE_FILE

namespace your_pool {
namespace {

using namespace std::chrono_literals;

constexpr int kThreads = 4;

TEST(Load, EachValueIsReceivedOnce) {
  constexpr int kValues = 2'000;
  const worker_pool::Watchdog watchdog;
  Channel<int> channel(8);
  std::atomic<long> sum = 0;
  std::vector<std::jthread> receivers;
  for (int i = 0; i < kThreads; ++i) {
    receivers.push_back(watchdog.thread("receiver: for a value", [&] {
      while (const std::optional<int> value = channel.receive()) sum += *value;
    }));
  }
  {
    std::vector<std::jthread> senders;
    for (int i = 0; i < kThreads; ++i) {
      senders.push_back(watchdog.thread("sender: for room", [&] {
        for (int value = 1; value <= kValues; ++value) {
          EXPECT_EQ(channel.send(int{value}), SendStatus::kSent);
        }
      }));
    }
  }
  channel.close();
  receivers.clear();
  EXPECT_EQ(sum, kThreads * (kValues * (kValues + 1) / 2));
}

TEST(Load, EachJobIsDoneOnce) {
  constexpr int kJobs = 500;
  const worker_pool::Watchdog watchdog;
  std::atomic<int> done = 0;
  {
    WorkerPool pool(
        {.workers = kThreads, .capacity = 8},
        [](const Job&, std::stop_token) -> JobResult { return {}; },
        [&](const Job&, const JobResult& result) { done += result ? 1 : 0; });
    std::vector<std::jthread> submitters;
    for (int i = 0; i < kThreads; ++i) {
      submitters.push_back(watchdog.thread("submitter: for room", [&] {
        for (int job = 0; job < kJobs; ++job) {
          EXPECT_EQ(pool.submit(Job{.id = std::to_string(job)}), SendStatus::kSent);
        }
      }));
    }
  }
  EXPECT_EQ(done, kThreads * kJobs);
}

// Jobs are submitted until the shutdown refuses them.
TEST(Load, AShutdownAccountsForEachJob) {
  const worker_pool::Watchdog watchdog;
  std::atomic<int> accepted = 0;
  std::atomic<int> finished = 0;
  WorkerPool pool(
      {.workers = kThreads, .capacity = 8},
      [](const Job&, std::stop_token stop) -> JobResult {
        while (!stop.stop_requested()) std::this_thread::yield();
        return std::unexpected("stopped");
      },
      [&](const Job&, const JobResult&) { ++finished; });
  std::vector<std::jthread> submitters;
  for (int i = 0; i < kThreads; ++i) {
    submitters.push_back(watchdog.thread("submitter: for room", [&] {
      while (pool.submit(Job{.id = "a"}) == SendStatus::kSent) ++accepted;
    }));
  }
  watchdog.await("the jobs to fill the pool", [&] { return accepted >= kThreads; });
  const ShutdownReport report = pool.shutdown({.drain = 1ms, .cancel = 10s});
  submitters.clear();
  EXPECT_EQ(report.outcome, ShutdownOutcome::kCancelled);
  EXPECT_EQ(finished + static_cast<int>(report.not_started.size()), accepted);
}

// A new thread may have the id of a worker that has exited.
TEST(Load, ANewThreadMayShutDownOnceMore) {
  const worker_pool::Watchdog watchdog;
  WorkerPool pool(
      {.workers = kThreads, .capacity = 8},
      [](const Job&, std::stop_token) -> JobResult { return {}; },
      [](const Job&, const JobResult&) {});
  (void)pool.shutdown({.drain = 10s, .cancel = 10s});
  for (int i = 0; i < 100; ++i) {
    const std::jthread later = watchdog.thread("second shutdown: for the first", [&] {
      EXPECT_EQ(pool.shutdown({}).outcome, ShutdownOutcome::kDrained);
    });
  }
}

}  // namespace
}  // namespace your_pool
