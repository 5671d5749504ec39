// A worker that runs out of memory continues with the next job. A program of its own, because
// scarce_memory replaces operator new.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/channel_testing.h"
#include "step2_worker/observer.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"
#include "step2_worker/worker_testing.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

#if defined(__GLIBCXX__) && defined(__GLIBC__)
#include <pthread.h>
#endif

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

// Its what() makes the next allocations fail, so the worker cannot copy the text.
struct LastStraw : std::exception {
  const char* what() const noexcept override {
    allow_allocations(0);
    return "a text that is too long for the string object itself";
  }
};

JobResult throw_last_straw(const Job& job, const Context&) {
  if (job.id == "a") throw LastStraw();
  return {};
}

struct RecorderWithMemory : Recorder {
  using Recorder::Recorder;
  void job_finished(int worker, const Job& job, const JobResult& result) override {
    allow_allocations(kAllAllocations);
    Recorder::job_finished(worker, job, result);
  }
};

TEST(WorkerWithoutMemory, ReportsTheJobAndGoesOn) {
  Watchdog watchdog;
  auto [jobs, queue] = make_channel<Job>(2);
  EXPECT_EQ(jobs.try_send(make_job("a")), SendStatus::kSent);
  EXPECT_EQ(jobs.try_send(make_job("b")), SendStatus::kSent);
  jobs.close();
  const auto recorder = std::make_shared<RecorderWithMemory>(watchdog);
  worker(1, queue, WaitGroup().add(), throw_last_straw, recorder, Context());
  EXPECT_THAT(recorder->log.events(),
              ElementsAre("1 started a", "1 finished a: threw, out of memory", "1 started b",
                          "1 finished b: ok"));
}

struct RecorderOfKinds : Observer {
  std::vector<JobError::Kind> kinds;
  void job_finished(int, const Job&, const JobResult& result) override {
    allow_allocations(kAllAllocations);
    kinds.push_back(result ? JobError::Kind::kFailed : result.error().kind);
    allow_allocations(0);
  }
};

TEST(WorkerWithoutMemory, SaysWhyAJobWasNotStarted) {
  const Watchdog watchdog;
  auto [jobs, queue] = make_channel<Job>(2);
  EXPECT_EQ(jobs.try_send(Job{}), SendStatus::kSent);
  EXPECT_EQ(jobs.try_send(Job{.ctx = Context().with_timeout(std::chrono::hours(1))}),
            SendStatus::kSent);
  jobs.close();
  ContextSource stop;
  stop.request_stop();
  const Context pool_ctx = stop.context();
  const auto recorder = std::make_shared<RecorderOfKinds>();
  WaitGroup::Token token = WaitGroup().add();
  const auto note = watchdog.waiting("test: for the worker to leave");
  {
    const ScarceMemory memory(0);
    worker(1, queue, std::move(token), throw_last_straw, recorder, pool_ctx);
  }
  EXPECT_THAT(recorder->kinds, ElementsAre(JobError::Kind::kCancelled, JobError::Kind::kCancelled));
}

TEST(WorkerWithoutMemory, NeedsNoneToStartWithoutAnObserver) {
  const Watchdog watchdog;
  auto [jobs, queue] = make_channel<Job>(1);
  EXPECT_EQ(jobs.try_send(Job{}), SendStatus::kSent);
  jobs.close();
  bool ran = false;
  JobHandler handler = [&ran](const Job&, const Context&) {
    ran = true;
    return JobResult();
  };
  WaitGroup::Token token = WaitGroup().add();
  const auto note = watchdog.waiting("test: for the worker to leave");
  {
    const ScarceMemory memory(0);
    EXPECT_NO_THROW(worker(1, queue, std::move(token), std::move(handler), nullptr, Context()));
  }
  EXPECT_TRUE(ran);
}

// Elsewhere, such a job ends the program: forced_unwind.h.
#if defined(__GLIBCXX__) && defined(__GLIBC__)
// Runs two jobs on a worker whose thread the first one is to end, and returns the events.
std::vector<std::string> events_of(const JobHandler& handler) {
  const Watchdog watchdog;
  auto [jobs, queue] = make_channel<Job>(2);
  EXPECT_EQ(jobs.try_send(make_job("a")), SendStatus::kSent);
  EXPECT_EQ(jobs.try_send(make_job("b")), SendStatus::kSent);
  jobs.close();
  const auto recorder = std::make_shared<RecorderWithMemory>(watchdog);
  const auto note = watchdog.waiting("test: for the worker's thread to end");
  std::jthread(worker, 1, queue, WaitGroup().add(), handler, recorder, Context()).join();
  return recorder->log.events();
}

TEST(WorkerWithoutMemory, ReportsTheJobThatEndsItsThread) {
  const auto handler = [](const Job&, const Context&) -> JobResult {
    allow_allocations(0);
    pthread_exit(nullptr);
  };
  EXPECT_THAT(
      events_of(handler),
      ElementsAre("1 started a", "1 finished a: threw, thread exited, which ended its thread"));
}

// The cancel, which is pending, matters more than the exception whose text found no memory.
TEST(WorkerWithoutMemory, ReportsTheJobThatCancelsItsThreadAndThrows) {
  const auto handler = [](const Job&, const Context&) -> JobResult {
    pthread_cancel(pthread_self());
    throw LastStraw();
  };
  EXPECT_THAT(
      events_of(handler),
      ElementsAre("1 started a", "1 finished a: threw, thread exited, which ended its thread"));
}
#endif

}  // namespace
}  // namespace worker_pool
