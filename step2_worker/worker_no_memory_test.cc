// A worker that runs out of memory continues with the next job. A program of its own, because it
// replaces operator new.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <thread>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/channel_testing.h"
#include "step2_worker/observer.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"
#include "step2_worker/worker_testing.h"
#include "testing/watchdog.h"

#if defined(__GLIBCXX__) && defined(__GLIBC__)
#include <pthread.h>
#endif

namespace {

thread_local bool t_out_of_memory = false;

}  // namespace

// Replaced together: AddressSanitizer reports memory from its own new that free() releases.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return t_out_of_memory ? nullptr : std::malloc(size);
}
void* operator new(std::size_t size) {
  void* const memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

// Its what() makes the next allocations fail, so the worker cannot copy the text.
struct LastStraw : std::exception {
  const char* what() const noexcept override {
    t_out_of_memory = true;
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
    t_out_of_memory = false;
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

// Elsewhere, such a job ends the program: forced_unwind.h.
#if defined(__GLIBCXX__) && defined(__GLIBC__)
TEST(WorkerWithoutMemory, ReportsTheJobThatEndsItsThread) {
  Watchdog watchdog;
  auto [jobs, queue] = make_channel<Job>(1);
  EXPECT_EQ(jobs.try_send(make_job("a")), SendStatus::kSent);
  const auto handler = [](const Job&, const Context&) -> JobResult {
    t_out_of_memory = true;
    pthread_exit(nullptr);
  };
  const auto recorder = std::make_shared<RecorderWithMemory>(watchdog);
  WaitGroup group;
  std::jthread thread(worker, 1, queue, group.add(), handler, recorder, Context());
  thread.join();
  EXPECT_THAT(recorder->log.events(),
              ElementsAre("1 started a", "1 finished a: threw, thread exited"));
}
#endif

}  // namespace
}  // namespace worker_pool
