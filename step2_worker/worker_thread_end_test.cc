// A job, or an observer, that ends the thread of its worker. POSIX.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"
#include "step2_worker/worker_testing.h"
#include "testing/watchdog.h"

// Where the system does not unwind the stack, or `catch (...)` cannot tell that it does, the
// program ends: forced_unwind.h.
#if defined(__GLIBCXX__) && defined(__GLIBC__)

#include <pthread.h>

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

void exit_thread() { pthread_exit(nullptr); }

void cancel_thread() {
  pthread_cancel(pthread_self());
  pthread_testcancel();
}

// Only asks for the end, which then comes at the next cancellation point.
void ask_to_cancel_thread() { pthread_cancel(pthread_self()); }

class WorkerWhoseThreadEnds : public ::testing::TestWithParam<void (*)()> {
 protected:
  // Runs a worker on a thread of its own until it leaves the group.
  void work(JobHandler handler, std::shared_ptr<Observer> observer) {
    const auto note = watchdog.waiting("test: for the worker to leave");
    WaitGroup group;
    std::jthread thread(worker, 1, queue, group.add(), std::move(handler), std::move(observer),
                        Context());
    group.wait();
  }

  const Watchdog watchdog;
  std::pair<Sender<Job>, Receiver<Job>> channel = make_channel<Job>(3);
  Sender<Job>& jobs = channel.first;
  Receiver<Job>& queue = channel.second;
};

TEST_P(WorkerWhoseThreadEnds, ReportsTheJobAndLeavesTheOthersInTheQueue) {
  const auto recorder = std::make_shared<Recorder>(watchdog);
  EXPECT_EQ(jobs.send(make_job("a")), SendStatus::kSent);
  EXPECT_EQ(jobs.send(make_job("b")), SendStatus::kSent);
  const auto end_thread = GetParam();
  const auto handler = [end_thread](const Job&, const Context&) -> JobResult {
    end_thread();
    return {};
  };
  work(handler, recorder);
  EXPECT_THAT(
      recorder->log.events(),
      ElementsAre("1 started a", "1 finished a: threw, thread exited, which ended its thread"));
  EXPECT_EQ(jobs.stats().queued, 1u);

  jobs.close();
  work(succeed, recorder);
  EXPECT_EQ(recorder->log.events().back(), "1 finished b: ok") << "another worker goes on";
}

TEST_P(WorkerWhoseThreadEnds, InAnObserverLeavesToo) {
  struct EndsThread : Recorder {
    EndsThread(const Watchdog& watchdog, void (*end)()) : Recorder(watchdog), end_thread(end) {}
    void job_finished(int worker, const Job& job, const JobResult& result) override {
      Recorder::job_finished(worker, job, result);
      end_thread();
    }
    void (*end_thread)();
  };
  const auto observer = std::make_shared<EndsThread>(watchdog, GetParam());
  EXPECT_EQ(jobs.send(make_job("a")), SendStatus::kSent);
  EXPECT_EQ(jobs.send(make_job("b")), SendStatus::kSent);
  work(succeed, observer);
  EXPECT_THAT(observer->log.events(), ElementsAre("1 started a", "1 finished a: ok"));
  EXPECT_EQ(jobs.stats().queued, 1u);
}

const char* name_of(const ::testing::TestParamInfo<void (*)()>& way) {
  if (way.param == exit_thread) return "Exit";
  return way.param == cancel_thread ? "Cancel" : "CancelAtTheNextPoint";
}

INSTANTIATE_TEST_SUITE_P(By, WorkerWhoseThreadEnds,
                         ::testing::Values(exit_thread, cancel_thread, ask_to_cancel_thread),
                         name_of);

// Otherwise the job might be retried, like any job that throws, and end another worker.
TEST_F(WorkerWhoseThreadEnds, ReportsItsEndAndNotTheExceptionThatTheHandlerThrows) {
  const auto recorder = std::make_shared<Recorder>(watchdog);
  EXPECT_EQ(jobs.send(make_job("a")), SendStatus::kSent);
  EXPECT_EQ(jobs.send(make_job("b")), SendStatus::kSent);
  const auto handler = [](const Job&, const Context&) -> JobResult {
    ask_to_cancel_thread();
    throw std::runtime_error("no such file");
  };
  work(handler, recorder);
  EXPECT_THAT(
      recorder->log.events(),
      ElementsAre("1 started a", "1 finished a: threw, thread exited, which ended its thread"));
  EXPECT_EQ(jobs.stats().queued, 1u);
}

// A cancel from another thread may come right before the worker receives a job. The thread then
// ends after that job, even if the job was not started, so no other report would say so.
TEST_F(WorkerWhoseThreadEnds, ReportsItsEndWithAJobThatIsNotStarted) {
  const auto recorder = std::make_shared<Recorder>(watchdog);
  EXPECT_EQ(jobs.send(make_job("a", cancelled())), SendStatus::kSent);
  EXPECT_EQ(jobs.send(make_job("b")), SendStatus::kSent);
  const auto note = watchdog.waiting("test: for the worker's thread to end");
  std::jthread([&] {
    ask_to_cancel_thread();  // a job is queued, so receiving it is no cancellation point
    worker(1, queue, WaitGroup().add(), succeed, recorder, Context());
  }).join();
  EXPECT_THAT(recorder->log.events(),
              ElementsAre("1 finished a: threw, thread exited, which ended its thread"));
  EXPECT_EQ(jobs.stats().queued, 1u);
}

}  // namespace
}  // namespace worker_pool

#else

TEST(WorkerWhoseThreadEnds, IsNotSupportedHere) {
  GTEST_SKIP() << "pthread_exit() in a job ends the program";
}

#endif
