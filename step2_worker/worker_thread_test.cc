// worker() on a thread of its own: when it leaves its group, which cancel a running job sees, and
// several workers at the same time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <expected>
#include <memory>
#include <stop_token>
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
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

// Starts a worker on a thread of its own, as a dispatcher does.
std::jthread start(const Watchdog& watchdog, int id, Receiver<Job> queue, WaitGroup::Token done,
                   JobHandler handler, std::shared_ptr<Observer> observer,
                   Context pool_ctx = Context()) {
  return watchdog.thread(
      "worker " + std::to_string(id) + ": for a job, or in one",
      [id, queue, done = std::move(done), handler = std::move(handler),
       observer = std::move(observer), pool_ctx = std::move(pool_ctx)]() mutable {
        worker(id, queue, std::move(done), std::move(handler), std::move(observer), pool_ctx);
      });
}

TEST(Worker, LeavesItsGroupWhenTheChannelIsClosedAndDrainedAndNotBefore) {
  Watchdog watchdog;
  const auto recorder = std::make_shared<Recorder>(watchdog);
  WaitGroup group;
  auto [jobs, queue] = make_channel<Job>(2);
  std::jthread thread = start(watchdog, 1, queue, group.add(), succeed, recorder);
  await_blocked_receivers(watchdog, queue, 1);
  EXPECT_EQ(group.stats().members, 1u) << "left although the channel is open";

  EXPECT_EQ(jobs.send(make_job("a")), SendStatus::kSent);
  EXPECT_EQ(jobs.send(make_job("b")), SendStatus::kSent);
  jobs.close();
  const auto note = watchdog.waiting("test: for the worker to leave its group");
  group.wait();
  EXPECT_THAT(recorder->log.events(),
              ElementsAre("1 started a", "1 finished a: ok", "1 started b", "1 finished b: ok"));
}

// Its destructor records how many members the group has.
struct CountsMembers {
  CountsMembers(WaitGroup group_to_count, std::vector<std::size_t>& results)
      : group(std::move(group_to_count)), members(results) {}
  CountsMembers(const CountsMembers&) = delete;
  CountsMembers& operator=(const CountsMembers&) = delete;
  ~CountsMembers() { members.push_back(group.stats().members); }
  WaitGroup group;
  std::vector<std::size_t>& members;
};

struct CountingObserver : Observer {
  CountingObserver(WaitGroup group, std::vector<std::size_t>& members)
      : counts(std::move(group), members) {}
  CountsMembers counts;
};

// So a thread that has waited for the group knows that the worker runs no more user code.
TEST(Worker, LeavesItsGroupAfterItsHandlerAndItsObserverAreDestroyed) {
  Watchdog watchdog;
  WaitGroup group;
  std::vector<std::size_t> members_seen;
  auto [jobs, queue] = make_channel<Job>(1);
  EXPECT_EQ(jobs.send(make_job("a")), SendStatus::kSent);
  jobs.close();
  worker(
      1, queue, group.add(),
      [counts = std::make_shared<CountsMembers>(group, members_seen)](const Job&, const Context&) {
        return JobResult();
      },
      std::make_shared<CountingObserver>(group, members_seen), Context());
  EXPECT_THAT(members_seen, ElementsAre(1u, 1u))
      << "counted by the destructors of the handler and the observer";
  EXPECT_EQ(group.stats().members, 0u) << "the worker has returned but is still a member";
}

TEST(Worker, StaysForTheNextJobWhenThePoolIsCancelled) {
  Watchdog watchdog;
  const auto recorder = std::make_shared<Recorder>(watchdog);
  WaitGroup group;
  std::stop_source pool;
  auto [jobs, queue] = make_channel<Job>(2);
  std::jthread thread =
      start(watchdog, 1, queue, group.add(), succeed, recorder, Context(pool.get_token()));
  await_blocked_receivers(watchdog, queue, 1);

  pool.request_stop();
  EXPECT_EQ(jobs.send(make_job("a")), SendStatus::kSent);
  EXPECT_EQ(jobs.send(make_job("b")), SendStatus::kSent);
  recorder->log.await("1 finished a: cancelled, cancelled before it started");
  recorder->log.await("1 finished b: cancelled, cancelled before it started");
  await_blocked_receivers(watchdog, queue, 1);
  EXPECT_EQ(group.stats().members, 1u) << "left although the channel is open";
  jobs.close();
}

// Runs `cancel` while job "a" waits for its context to end, and returns what the worker reports.
// Job "b" shows whether the cancel reaches other jobs.
template <class Cancel>
std::vector<std::string> reports_of_a_cancel_while_running(const Context& job,
                                                           const Context& pool_ctx, Cancel cancel) {
  Watchdog watchdog;
  const auto recorder = std::make_shared<Recorder>(watchdog);
  const auto handler = [recorder](const Job& received, const Context& ctx) -> JobResult {
    if (received.id != "a") return {};
    recorder->log.add("a is running");
    (void)ctx.sleep_for(Clock::duration::max());  // the stop token wakes it
    if (const auto why = ctx.err()) return std::unexpected(ended(*why));
    return {};
  };
  WaitGroup group;
  auto [jobs, queue] = make_channel<Job>(2);
  std::jthread thread = start(watchdog, 1, queue, group.add(), handler, recorder, pool_ctx);
  EXPECT_EQ(jobs.send(make_job("a", job)), SendStatus::kSent);
  EXPECT_EQ(jobs.send(make_job("b")), SendStatus::kSent);
  jobs.close();
  recorder->log.await("a is running");
  cancel();
  thread.join();
  return recorder->log.events();
}

TEST(Worker, ARunningJobSeesItsOwnCancelAndNoOtherJobDoes) {
  std::stop_source job;
  std::stop_source pool;
  EXPECT_THAT(reports_of_a_cancel_while_running(Context(job.get_token()), Context(pool.get_token()),
                                                [&] { job.request_stop(); }),
              ElementsAre("1 started a", "a is running", "1 finished a: cancelled, cancelled",
                          "1 started b", "1 finished b: ok"));
  EXPECT_FALSE(pool.stop_requested()) << "canceling one job canceled the pool";
}

TEST(Worker, ARunningJobSeesThePoolsCancelAndSoDoesEveryOther) {
  std::stop_source job;
  std::stop_source pool;
  EXPECT_THAT(reports_of_a_cancel_while_running(Context(job.get_token()), Context(pool.get_token()),
                                                [&] { pool.request_stop(); }),
              ElementsAre("1 started a", "a is running", "1 finished a: cancelled, cancelled",
                          "1 finished b: cancelled, cancelled before it started"));
  EXPECT_FALSE(job.stop_requested())
      << "canceling the pool requested a stop of the job's own stop source";
}

TEST(Worker, TwoWorkersOnOneChannelHandleEachJobExactlyOnce) {
  Watchdog watchdog;
  const auto recorder = std::make_shared<Recorder>(watchdog);
  Gate gate(watchdog, "both workers have a job");
  const auto handler = [&gate](const Job&, const Context&) -> JobResult {
    gate.wait();
    return {};
  };
  WaitGroup group;
  auto [jobs, queue] = make_channel<Job>(10);
  for (char id = 'a'; id <= 'j'; ++id) {
    EXPECT_EQ(jobs.send(make_job(std::string(1, id))), SendStatus::kSent);
  }
  jobs.close();
  std::jthread first = start(watchdog, 1, queue, group.add(), handler, recorder);
  std::jthread second = start(watchdog, 2, queue, group.add(), handler, recorder);
  gate.await_arrivals(2);
  gate.open();
  first.join();
  second.join();

  EXPECT_EQ(gate.arrived(), 10u) << "calls of the handler, for 10 jobs";
  for (char id = 'a'; id <= 'j'; ++id) {
    const std::string finished = std::string(" finished ") + id + ": ok";
    EXPECT_EQ(recorder->log.count("1" + finished) + recorder->log.count("2" + finished), 1u)
        << "reports about job " << id;
  }
  EXPECT_EQ(recorder->log.events().size(), 20u);
}

// Each of its callbacks blocks until two workers are in it.
class MeetingPoint : public Observer {
 public:
  explicit MeetingPoint(const Watchdog& watchdog)
      : started(watchdog, "two workers in job_started"),
        finished(watchdog, "two workers in job_finished") {}
  void job_started(int, const Job&) override { started.wait(); }
  void job_finished(int, const Job&, const JobResult&) override { finished.wait(); }

  Gate started;
  Gate finished;
};

TEST(Worker, TheObserverIsCalledBySeveralWorkersAtTheSameTimeBecauseNoLockIsHeld) {
  Watchdog watchdog;
  const auto observer = std::make_shared<MeetingPoint>(watchdog);
  WaitGroup group;
  auto [jobs, queue] = make_channel<Job>(2);
  EXPECT_EQ(jobs.send(make_job("a")), SendStatus::kSent);
  EXPECT_EQ(jobs.send(make_job("b")), SendStatus::kSent);
  jobs.close();
  std::jthread first = start(watchdog, 1, queue, group.add(), succeed, observer);
  std::jthread second = start(watchdog, 2, queue, group.add(), succeed, observer);
  observer->started.await_arrivals(2);
  observer->started.open();
  observer->finished.await_arrivals(2);
  observer->finished.open();
}

// Sends more jobs to its worker's own channel, from both callbacks.
class SendingObserver : public Recorder {
 public:
  SendingObserver(const Watchdog& watchdog, Sender<Job>& jobs) : Recorder(watchdog), jobs_(jobs) {}

  void job_started(int worker, const Job& job) override {
    Recorder::job_started(worker, job);
    if (job.id != "a") return;
    EXPECT_EQ(jobs_.send(make_job("b")), SendStatus::kSent);
  }

  void job_finished(int worker, const Job& job, const JobResult& result) override {
    Recorder::job_finished(worker, job, result);
    if (job.id != "a") return;
    EXPECT_EQ(jobs_.try_send(make_job("c")), SendStatus::kSent);
    jobs_.close();
  }

 private:
  Sender<Job>& jobs_;
};

TEST(Worker, TheObserverMayUseTheChannelOfItsWorker) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("worker: for an observer that uses the worker's own channel");
  auto [jobs, queue] = make_channel<Job>(2);
  EXPECT_EQ(jobs.send(make_job("a")), SendStatus::kSent);
  const auto observer = std::make_shared<SendingObserver>(watchdog, jobs);
  WaitGroup group;
  worker(1, queue, group.add(), succeed, observer, Context());
  EXPECT_THAT(observer->log.events(),
              ElementsAre("1 started a", "1 finished a: ok", "1 started b", "1 finished b: ok",
                          "1 started c", "1 finished c: ok"));
}

}  // namespace
}  // namespace worker_pool
