// How workers start and stop: invalid arguments, a thread that cannot be started, leaving the
// scope, and moving.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"
#include "step3_dispatcher/dispatcher.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/no_threads.h"
#include "testing/watchdog.h"

#if defined(__linux__)
#include <unistd.h>

#include "testing/is_asleep.h"
#endif

#if defined(__GLIBCXX__) && defined(__GLIBC__)
#include <pthread.h>
#endif

namespace worker_pool {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void send(Workers& pool, std::string id) {
  EXPECT_EQ(pool.jobs.send(Job{.id = id}), SendStatus::kSent) << "job " << id;
}

JobResult do_nothing(const Job&, const Context&) { return {}; }

// A handler that logs the id of each job.
JobHandler log_id(EventLog& log) {
  return [&log](const Job& job, const Context&) -> JobResult {
    log.add(job.id);
    return {};
  };
}

// Starts threads that log "worker left" just before they exit.
StartThread logging_their_end(EventLog& log) {
  return [&log](int id, Receiver<Job> queue, WaitGroup::Token done, JobHandler handler,
                std::shared_ptr<Observer> observer, Context pool_ctx) {
    return std::jthread(
        [&log, id, queue, done = std::move(done), handler, observer, pool_ctx]() mutable {
          worker(id, queue, std::move(done), std::move(handler), std::move(observer), pool_ctx);
          log.add("worker left");
        });
  };
}

// --- Invalid arguments ----------------------------------------------------------------------

// What start_workers() throws. "accepted" if it does not throw, "after n threads" if it throws too
// late.
std::string refusal(int count, JobHandler handler, std::size_t capacity) {
  int threads = 0;
  const auto start = [&](auto... args) {
    ++threads;
    return start_thread(std::move(args)...);
  };
  try {
    const Workers pool = start_workers(count, std::move(handler), nullptr, capacity, start);
    return "accepted";
  } catch (const std::invalid_argument& e) {
    if (threads != 0) return "after " + std::to_string(threads) + " threads";
    return e.what();
  }
}

TEST(StartWorkers, RefusesZeroWorkers) {
  EXPECT_EQ(refusal(0, do_nothing, 100), "start_workers: count is 0, it must be at least 1");
}

TEST(StartWorkers, RefusesANegativeNumberOfWorkers) {
  EXPECT_EQ(refusal(-3, do_nothing, 100), "start_workers: count is -3, it must be at least 1");
}

TEST(StartWorkers, RefusesMoreWorkersThanASystemHasThreads) {
  EXPECT_EQ(refusal(std::numeric_limits<int>::max(), do_nothing, 100),
            "start_workers: count is 2147483647, it must be at most 32768");
  EXPECT_EQ(refusal(kMaxWorkers + 1, do_nothing, 100),
            "start_workers: count is 32769, it must be at most 32768");
}

TEST(StartWorkers, TriesToStartAsManyWorkersAsASystemHasThreads) {
  const auto no_thread = [](auto...) -> std::jthread {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  };
  EXPECT_THROW((void)start_workers(kMaxWorkers, do_nothing, nullptr, 100, no_thread),
               std::system_error);
}

TEST(StartWorkers, RefusesAChannelWithoutRoom) {
  EXPECT_THAT(refusal(2, do_nothing, 0),
              AllOf(HasSubstr("capacity is 0"), HasSubstr("must be at least 1")));
}

TEST(StartWorkers, RefusesAnEmptyHandler) {
  EXPECT_EQ(refusal(2, nullptr, 100), "start_workers: the handler is empty");
}

// --- A thread that cannot be started --------------------------------------------------------

class StartWorkersWhenOneThread : public ::testing::TestWithParam<int> {};

TEST_P(StartWorkersWhenOneThread, CannotBeStartedJoinsTheOthersAndPassesTheErrorOn) {
  const int k = GetParam();
  Watchdog watchdog;
  EventLog log(watchdog);
  const auto note = watchdog.waiting("test: for start_workers() to join");
  const StartThread start = logging_their_end(log);
  const auto fail_at_k = [&](int id, auto... args) {
    if (id == k) {
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                              "no thread " + std::to_string(k));
    }
    return start(id, std::move(args)...);
  };
  try {
    const Workers pool = start_workers(4, do_nothing, nullptr, 100, fail_at_k);
    ADD_FAILURE() << "start_workers() returned although worker " << k << " did not start";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), std::errc::resource_unavailable_try_again);
    EXPECT_THAT(e.what(), HasSubstr("no thread " + std::to_string(k)));
    EXPECT_THAT(log.events(), AllOf(SizeIs(k - 1), Each("worker left")))
        << "start_workers() must join every thread that started, and start no more";
  }
}

INSTANTIATE_TEST_SUITE_P(OfFour, StartWorkersWhenOneThread, ::testing::Range(1, 5));

TEST(StartWorkersDeathTest, TheSystemsOwnRefusalNamesTheWorker) {
  if (!kThreadsCanBeRefused) GTEST_SKIP() << kWhyNot;
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto start_without_threads = [] {
    refuse_threads();
    try {
      const Workers pool = start_workers(2, do_nothing, nullptr);
    } catch (const std::system_error& e) {
      std::cerr << e.what();
      std::_Exit(e.code() == std::errc::resource_unavailable_try_again ? 0 : 1);
    }
  };
  EXPECT_EXIT(start_without_threads(), ::testing::ExitedWithCode(0),
              "start_workers: cannot start the thread of worker 1: ");
}

// A handler that can be copied `copies` times; the next copy throws.
struct ThrowsWhenCopied {
  std::shared_ptr<int> copies_left;
  explicit ThrowsWhenCopied(int copies) : copies_left(std::make_shared<int>(copies)) {}
  ThrowsWhenCopied(ThrowsWhenCopied&&) = default;
  ThrowsWhenCopied(const ThrowsWhenCopied& other) : copies_left(other.copies_left) {
    if (--*copies_left < 0) throw std::runtime_error("no memory for another copy");
  }
  JobResult operator()(const Job&, const Context&) const { return {}; }
};

TEST(StartWorkers, WhenTheHandlerCannotBeCopiedForAllNoneIsLeft) {
  for (const int copies : {0, 1, 2}) {
    Watchdog watchdog;
    EventLog log(watchdog);
    const JobHandler handler = ThrowsWhenCopied(copies + 1);  // + 1: the parameter is a copy
    const StartThread start = logging_their_end(log);
    int started = 0;
    const auto count = [&](auto... args) {
      ++started;
      return start(std::move(args)...);
    };
    EXPECT_THROW((void)start_workers(5, handler, nullptr, 100, count), std::runtime_error);
    // Each thread needs two copies: one to start it, and one that it owns.
    EXPECT_THAT(log.events(), AllOf(SizeIs(copies / 2), Each("worker left")))
        << "start_workers() must join every thread that started";
    EXPECT_LT(started, 5);
  }
}

// --- Leaving the scope ----------------------------------------------------------------------

TEST(Workers, LeavingTheScopeDrainsAndJoins) {
  Watchdog watchdog;
  Gate gate(watchdog, "the jobs may end");
  EventLog log(watchdog);
  std::optional<WaitGroup> group;
  {
    const auto note = watchdog.waiting("test: to leave the scope of the workers");
    const JobHandler handler = [&](const Job&, const Context&) -> JobResult {
      gate.wait();
      log.add("job done");
      return {};
    };
    Workers pool = start_workers(2, handler, nullptr, 100, logging_their_end(log));
    group = pool.group;
    for (int i = 1; i <= 20; ++i) send(pool, std::to_string(i));
    gate.await_arrivals(2);
    EXPECT_EQ(pool.jobs.stats().queued, 18u) << "no job finishes before the gate opens";
    gate.open();
  }
  EXPECT_EQ(log.count("job done"), 20u);
  EXPECT_EQ(log.count("worker left"), 2u);
  EXPECT_EQ(group->stats().members, 0u);
}

TEST(Workers, AJobMayUseThemWhileTheirScopeIsLeft) {
  Watchdog watchdog;
  auto status = SendStatus::kSent;
  long owners = 0;
#if defined(__linux__)
  const pid_t main_thread = gettid();
#endif
  std::optional<WaitGroup> group;
  {
    const auto note = watchdog.waiting("test: to leave the scope of the workers");
    Gate started(watchdog, "the handler may use variables that are declared after it");
    Workers* self = nullptr;
    std::weak_ptr<RunningJobs> running;
    const auto handler = [&](const Job&, const Context&) -> JobResult {
      started.wait();
      watchdog.await("the idle worker to leave", [&] { return group->stats().members == 1; });
      status = self->jobs.try_send(Job{.id = "one more"});
#if defined(__linux__)
      watchdog.await("the test to join this worker", [&] { return is_asleep(main_thread); });
#endif
      owners = running.use_count();
      return {};
    };
    Workers pool = start_workers(2, handler, nullptr);
    self = &pool;
    group = pool.group;
    running = pool.running;
    send(pool, "a");
    started.await_arrivals(1);
    started.open();
  }
  EXPECT_EQ(status, SendStatus::kClosed) << "~Workers closes the channel before it joins";
  EXPECT_EQ(owners, 2) << "~Workers destroyed a member while a job was running";
}

TEST(Workers, TheGroupIsEmptyOnceTheChannelIsClosedAndDrained) {
  Watchdog watchdog;
  EventLog log(watchdog);
  Workers pool = start_workers(1, log_id(log), nullptr);
  send(pool, "a");
  send(pool, "b");
  pool.jobs.close();
  const auto note = watchdog.waiting("test: for the group to be empty");
  pool.group.wait();
  EXPECT_THAT(log.events(), ElementsAre("a", "b"));
}

// Elsewhere, such a job ends the program: forced_unwind.h.
#if defined(__GLIBCXX__) && defined(__GLIBC__)
TEST(Workers, DropTheQueuedJobsIfJobsHaveEndedAllThreads) {
  Watchdog watchdog;
  EventLog log(watchdog);
  {
    const auto note = watchdog.waiting("test: to leave the scope of the workers");
    const JobHandler handler = [&log](const Job& job, const Context&) -> JobResult {
      log.add(job.id);
      pthread_exit(nullptr);
    };
    Workers pool = start_workers(1, handler, nullptr);
    send(pool, "a");
    pool.group.wait();
    send(pool, "b");
  }
  EXPECT_THAT(log.events(), ElementsAre("a"));
}
#endif

// --- Moving ---------------------------------------------------------------------------------

TEST(Workers, MovedWorkersWorkAndTheOldOnesCanBeDestroyed) {
  Watchdog watchdog;
  EventLog log(watchdog);
  std::optional<Workers> first = start_workers(2, log_id(log), nullptr);
  send(*first, "before the move");
  {
    Workers pool = std::move(*first);
    EXPECT_EQ(first->jobs.try_send(Job{}), SendStatus::kClosed) << "a moved-from sender is closed";
    EXPECT_THAT(first->threads, IsEmpty());
    first.reset();
    send(pool, "after the move");
    log.await("before the move");
    log.await("after the move");
    EXPECT_EQ(pool.group.stats().members, 2u)
        << "destroying the moved-from Workers stopped workers";
  }
  EXPECT_THAT(log.events(), SizeIs(2));
}

// --- Destroyed by a job ---------------------------------------------------------------------

TEST(WorkersDeathTest, DestroyedInsideOneOfTheirOwnJobsTheyEndTheProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto destroy_the_pool_in_a_job = [] {
    Watchdog watchdog;
    Gate never(watchdog, "never opened: the job ends the program");
    std::optional<Workers> pool;
    const auto handler = [&](const Job&, const Context&) -> JobResult {
      pool.reset();
      return {};
    };
    pool.emplace(start_workers(2, handler, nullptr));
    send(*pool, "a");
    never.wait();
  };
  EXPECT_DEATH(destroy_the_pool_in_a_job(), "Workers: destroyed inside one of its own jobs");
}

// The worker runs no job any more: it leaves, and destroys its copy of the handler.
TEST(WorkersDeathTest, DestroyedByTheLastCopyOfTheHandlerTheyEndTheProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  struct Owner {
    std::optional<Workers> pool;
  };
  const auto let_the_handler_own_the_pool = [] {
    Watchdog watchdog;
    Gate never(watchdog, "never opened: the worker ends the program");
    auto owner = std::make_shared<Owner>();
    owner->pool.emplace(
        start_workers(1, [owner](const Job&, const Context&) { return JobResult(); }, nullptr));
    Workers& pool = *owner->pool;
    owner.reset();  // the worker's handler is the last owner
    pool.jobs.close();
    never.wait();
  };
  EXPECT_DEATH(let_the_handler_own_the_pool(), "Workers: destroyed inside one of its own jobs");
}

}  // namespace
}  // namespace worker_pool
