// A KeyedPool when memory runs out. A program of its own, because scarce_memory replaces operator
// new.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "full_pattern/keyed/keyed_pool.h"
#include "full_pattern/keyed/keyed_testing.h"
#include "full_pattern/pool_testing.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step4_shutdown/shutdown.h"
#include "testing/gate.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

#if defined(__GLIBCXX__) && defined(__GLIBC__)
#include <pthread.h>
#endif

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

std::string id_of(const Job& job) { return job.id; }

class KeyedPoolOn : public ::testing::TestWithParam<ChannelKind> {};
INSTANTIATE_TEST_SUITE_P(Pool, KeyedPoolOn,
                         ::testing::Values(ChannelKind::kSimple, ChannelKind::kFast), name_of);

// For each job, the first allocation fails, then the second, and so on, until the job is accepted.
TEST_P(KeyedPoolOn, AcceptsAJobOrThrowsAndLeavesIt) {
  constexpr int kJobs = 40;  // the simple channel's deque allocates memory once in a few jobs
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for the pool to drain");
  KeyedPool pool({.workers = 1, .capacity = kJobs, .channel = GetParam()}, id_of, succeed);
  int refused = 0;
  for (int i = 0; i < kJobs; ++i) {
    const std::string id = "a key that is too long for the string object " + std::to_string(i);
    Job job{.id = id};
    for (int allowed = 0; !job.id.empty(); ++allowed) {
      try {
        const ScarceMemory memory(allowed);
        EXPECT_EQ(pool.try_submit(std::move(job)), SendStatus::kSent);
      } catch (const std::bad_alloc&) {
        ++refused;
        ASSERT_EQ(job.id, id) << "the job was refused and is lost";
      }
    }
  }
  EXPECT_GE(refused, kJobs);
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  EXPECT_EQ(pool.metrics().succeeded, static_cast<std::uint64_t>(kJobs));
}

// Once the first job has finished, the worker has no memory. The simple channel's deque needs some
// at several of the next jobs. The shutdown itself may pass on the first of these.
TEST_P(KeyedPoolOn, ADrainWithoutALimitHandsBackWhatTheWorkersHaveNoMemoryFor) {
  constexpr int kJobs = 40;
  const Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the first job may finish");
  KeyedPool pool({.workers = 1, .capacity = kJobs, .channel = GetParam()}, first_letter_of,
                 [gate](const Job& job, const Context&) -> JobResult {
                   if (job.id == "a0") gate->wait();
                   allow_allocations(0);
                   return {};
                 });
  for (int i = 0; i < kJobs; ++i) {
    ASSERT_EQ(pool.try_submit(Job{.id = "a" + std::to_string(i)}), SendStatus::kSent);
  }
  gate->open();
  const auto note = watchdog.waiting("test: for shutdown() to return");
  const ShutdownReport report = pool.shutdown(kPatient);
  const Metrics metrics = pool.metrics();
  EXPECT_EQ(metrics.succeeded + report.not_started.size(), static_cast<std::uint64_t>(kJobs));
  if (GetParam() == ChannelKind::kFast) {
    EXPECT_EQ(report.outcome, ShutdownOutcome::kDrained) << "its queue allocates nothing";
  }
#ifdef __GLIBCXX__  // another library's deque may keep the memory that it needs
  if (GetParam() == ChannelKind::kSimple) {
    EXPECT_EQ(report.outcome, ShutdownOutcome::kCancelled) << "there was memory for every job";
  }
#endif
}

#ifdef __GLIBCXX__
// The worker has no memory until it is short of it. The next job that the shutdown passes on gives
// the memory back.
TEST(KeyedPool, ADrainWaitsForTheRestIfThereIsMemoryAgain) {
  constexpr int kJobs = 40;
  const Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "the first job may finish");
  const auto ran_out = std::make_shared<std::atomic<bool>>(false);
  const std::function<void()> hook = [ran_out] {
    ran_out->store(true);
    ran_out->notify_one();
  };
  KeyedPool pool({.workers = 1, .capacity = kJobs, .channel = ChannelKind::kSimple},
                 first_letter_of,
                 [gate, ran_out, &hook](const Job& job, const Context&) -> JobResult {
                   if (job.id == "a0") gate->wait();
                   before_each_allocation(ran_out->load() ? nullptr : &hook);
                   allow_allocations(ran_out->load() ? kAllAllocations : 0);
                   return {};
                 });
  for (int i = 0; i < kJobs; ++i) {
    ASSERT_EQ(pool.try_submit(Job{.id = "a" + std::to_string(i)}), SendStatus::kSent);
  }
  gate->open();
  const auto note = watchdog.waiting("test: for the worker to run out of memory, then to drain");
  ran_out->wait(false);
  EXPECT_EQ(pool.shutdown(kPatient).outcome, ShutdownOutcome::kDrained);
  EXPECT_EQ(pool.metrics().succeeded, static_cast<std::uint64_t>(kJobs));
}
#endif

// The key of x1 is too long for the string object, so its worker cannot name it again and x stays
// busy. From job y1 on, the worker has memory.
TEST_P(KeyedPoolOn, ADrainWithoutALimitHandsBackTheJobsWhoseKeyStaysBusy) {
  const Watchdog watchdog;
  const auto gate = std::make_shared<Gate>(watchdog, "x1 may finish");
  KeyedPool pool(
      {.workers = 1, .capacity = 10, .channel = GetParam()},
      [](const Job& job) { return "customer-00000000000000000000000" + job.id.substr(0, 1); },
      [gate](const Job& job, const Context&) -> JobResult {
        if (job.id == "x1") gate->wait();
        allow_allocations(job.id == "x1" ? 0 : kAllAllocations);
        return {};
      });
  for (const char* const id : {"x1", "x2", "y1", "y2"}) {
    ASSERT_EQ(pool.try_submit(Job{.id = id}), SendStatus::kSent);
  }
  gate->open();
  const auto note = watchdog.waiting("test: for shutdown() to return");
  const ShutdownReport report = pool.shutdown(kPatient);
  EXPECT_EQ(report.outcome, ShutdownOutcome::kCancelled);
  EXPECT_THAT(ids_of(report.not_started), ElementsAre("x2"));
  EXPECT_EQ(pool.metrics().succeeded, 3u) << "x1, y1 and y2";
}

// In each round, one more allocation of the shutdown succeeds, until all do.
TEST_P(KeyedPoolOn, AShutdownThatRunsOutOfMemoryLosesNoJob) {
  int rounds = 0;
  for (std::optional<ShutdownReport> first; !first; ++rounds) {
    const Watchdog watchdog;
    const auto held = std::make_shared<Held>(watchdog);
    KeyedPool pool({.workers = 1, .capacity = 4, .channel = GetParam()}, first_letter_of,
                   Held::handler(held));
    ASSERT_EQ(pool.try_submit(Job{.id = "a1"}), SendStatus::kSent);
    held->log.await("start a1");
    for (const char* const id : {"a2", "a3", "b1", "b2"}) {
      Job job{.id = id, .payload = std::vector<std::byte>(64)};  // so a copy would need memory
      ASSERT_EQ(pool.try_submit(std::move(job)), SendStatus::kSent);
    }
    try {
      const ScarceMemory memory(rounds);
      first = pool.shutdown(kAbandonNow);
    } catch (const std::bad_alloc&) {
    }
    held->gate.open();
    const auto note = watchdog.waiting("test: for a shutdown after one without memory");
    std::vector<std::string> seen = ids_of((first ? *first : pool.shutdown(kPatient)).not_started);
    for (const std::string& event : held->log.events()) {
      if (event.starts_with("start ")) seen.push_back(event.substr(6));
    }
    EXPECT_THAT(seen, UnorderedElementsAre("a1", "a2", "a3", "b1", "b2"))
        << "with memory for " << rounds << " allocations";
  }
  EXPECT_GE(rounds, 4);
}

// Elsewhere, such a job ends the program: forced_unwind.h.
#if defined(__GLIBCXX__) && defined(__GLIBC__)
// Job a1 ends the only worker while the shutdown waits for a2. The test knows that it waits: the
// shutdown allocates memory under the lock, to pass on the last job, and unlocks it only to wait.
// For that, submit() had no memory to pass this job on. The deque allocates at one of the
// capacities. All jobs of other keys are in the pool's queue then, and fill it, so that the worker
// cannot pass a2 on.
TEST(KeyedPool, TheEndOfTheLastWorkerEndsADrainWithoutALimit) {
  bool tested = false;
  for (std::size_t capacity = 2; capacity < 12 && !tested; ++capacity) {
    const Watchdog watchdog;
    const auto gate = std::make_shared<Gate>(watchdog, "a1 may end its thread");
    KeyedPool pool({.workers = 1, .capacity = capacity, .channel = ChannelKind::kSimple},
                   first_letter_of, [gate](const Job&, const Context&) -> JobResult {
                     gate->wait();
                     pthread_cancel(pthread_self());
                     return {};
                   });
    ASSERT_EQ(pool.try_submit(Job{.id = "a1"}), SendStatus::kSent);
    gate->await_arrivals(1);
    ASSERT_EQ(pool.try_submit(Job{.id = "a2"}), SendStatus::kSent);
    for (std::size_t i = 1; i < capacity; ++i) {
      ASSERT_EQ(pool.try_submit(Job{.id = std::string(1, static_cast<char>('a' + i))}),
                SendStatus::kSent);
    }
    const int failed = failed_allocations();
    {
      const ScarceMemory memory(2);  // for a list and its key
      ASSERT_EQ(pool.try_submit(Job{.id = "z"}), SendStatus::kSent);
    }
    tested = failed_allocations() > failed;
    if (!tested) {
      gate->open();
      continue;
    }
    const auto note = watchdog.waiting("test: for shutdown() to return");
    const std::function<void()> hook = [gate] { gate->open(); };
    before_each_allocation(&hook);
    const ShutdownReport report = pool.shutdown(kPatient);
    before_each_allocation(nullptr);
    EXPECT_EQ(report.not_started.size(), capacity + 1) << "all but a1";
  }
  EXPECT_TRUE(tested) << "no capacity at which the deque allocates memory";
}
#endif

}  // namespace
}  // namespace worker_pool
