// RunningJobs: which job each worker is running, and what the observer behind it sees.
#include "step3_dispatcher/running_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "step1_job/job.h"
#include "step2_worker/worker.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The observer behind RunningJobs. Each test sets what it does.
struct Next : Observer {
  std::function<void()> on_started = [] {};
  std::function<void()> on_finished = [] {};

  void job_started(int, const Job&) override { on_started(); }
  void job_finished(int, const Job&, const JobResult&) override { on_finished(); }
};

TEST(RunningJobs, AtRestThereAreNone) {
  const RunningJobs running(3, nullptr);
  EXPECT_THAT(running.ids(), IsEmpty());
  EXPECT_FALSE(running.on_this_thread());
}

TEST(RunningJobs, NamesJobsInTheOrderOfTheirWorkers) {
  RunningJobs running(4, nullptr);
  const Job a{.id = "a"}, b{.id = "b"}, d{.id = "d"};
  running.job_started(4, d);
  running.job_started(1, a);
  running.job_started(2, b);
  EXPECT_THAT(running.ids(), ElementsAre("a", "b", "d"));
}

TEST(RunningJobs, NamesBothOfTwoJobsWithTheSameId) {
  RunningJobs running(2, nullptr);
  const Job one{.id = "twin"}, other{.id = "twin"};
  running.job_started(1, one);
  running.job_started(2, other);
  EXPECT_THAT(running.ids(), ElementsAre("twin", "twin"));
}

TEST(RunningJobs, ForgetsAJobThatFinishedAndNamesTheNextOfItsWorker) {
  RunningJobs running(2, nullptr);
  const Job a{.id = "a"}, b{.id = "b"}, c{.id = "c"};
  running.job_started(1, a);
  running.job_started(2, b);
  running.job_finished(1, a, {});
  EXPECT_THAT(running.ids(), ElementsAre("b"));
  running.job_started(1, c);
  EXPECT_THAT(running.ids(), ElementsAre("c", "b"));
}

TEST(RunningJobs, AJobCountsBeforeNextSeesItStart) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("next: for a lock of RunningJobs");
  const auto next = std::make_shared<Next>();
  RunningJobs running(1, next);
  std::vector<std::string> seen_by_next;
  next->on_started = [&] { seen_by_next = running.ids(); };
  const Job a{.id = "a"};
  running.job_started(1, a);
  EXPECT_THAT(seen_by_next, ElementsAre("a"));
}

TEST(RunningJobs, AJobCountsUntilNextHasSeenItFinish) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("next: for a lock of RunningJobs");
  const auto next = std::make_shared<Next>();
  RunningJobs running(1, next);
  std::vector<std::string> seen_by_next;
  next->on_finished = [&] { seen_by_next = running.ids(); };
  const Job a{.id = "a"};
  running.job_started(1, a);
  running.job_finished(1, a, {});
  EXPECT_THAT(seen_by_next, ElementsAre("a"));
  EXPECT_THAT(running.ids(), IsEmpty());
}

// A worker with a job that was canceled in the queue may still get stuck in the observer.
TEST(RunningJobs, AJobThatNeverStartedCountsWhileNextSeesItFinish) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("next: for a lock of RunningJobs");
  const auto next = std::make_shared<Next>();
  RunningJobs running(1, next);
  std::vector<std::string> seen_by_next;
  next->on_finished = [&] { seen_by_next = running.ids(); };
  const Job late{.id = "late"};
  running.job_finished(1, late, std::unexpected(ended(CancelReason::kDeadlineExceeded)));
  EXPECT_THAT(seen_by_next, ElementsAre("late"));
  EXPECT_THAT(running.ids(), IsEmpty());
}

TEST(RunningJobs, AJobNoLongerCountsWhenNextThrewAtItsEnd) {
  const auto next = std::make_shared<Next>();
  RunningJobs running(1, next);
  next->on_finished = [] { throw std::runtime_error("disk full"); };
  const Job a{.id = "a"};
  running.job_started(1, a);
  EXPECT_THROW(running.job_finished(1, a, {}), std::runtime_error);
  EXPECT_THAT(running.ids(), IsEmpty());
  EXPECT_FALSE(running.on_this_thread());
}

// The worker catches what an observer throws, and calls the handler anyway.
TEST(RunningJobs, AJobStillCountsWhenNextThrewAtItsStart) {
  const auto next = std::make_shared<Next>();
  RunningJobs running(1, next);
  next->on_started = [] { throw std::runtime_error("disk full"); };
  const Job a{.id = "a"};
  EXPECT_THROW(running.job_started(1, a), std::runtime_error);
  EXPECT_THAT(running.ids(), ElementsAre("a"));
}

TEST(RunningJobs, PassesBothEventsOnAsTheyAre) {
  struct Records : Observer {
    int started_worker = 0, finished_worker = 0;
    const Job *started = nullptr, *finished = nullptr;
    const JobResult* result = nullptr;
    void job_started(int worker, const Job& job) override {
      started_worker = worker;
      started = &job;
    }
    void job_finished(int worker, const Job& job, const JobResult& how) override {
      finished_worker = worker;
      finished = &job;
      result = &how;
    }
  };
  const auto next = std::make_shared<Records>();
  RunningJobs running(2, next);
  const Job a{.id = "a"};
  const JobResult failed = std::unexpected(JobError{.message = "no such file"});

  running.job_started(2, a);
  EXPECT_EQ(next->started_worker, 2);
  EXPECT_EQ(next->started, &a);
  EXPECT_EQ(next->finished, nullptr) << "job_started() also called next->job_finished()";

  running.job_finished(2, a, failed);
  EXPECT_EQ(next->finished_worker, 2);
  EXPECT_EQ(next->finished, &a);
  EXPECT_EQ(next->result, &failed);
}

TEST(RunningJobs, KeepsNextAlive) {
  auto next = std::make_shared<Next>();
  const std::weak_ptr<Next> watched = next;
  const RunningJobs running(1, std::move(next));
  EXPECT_FALSE(watched.expired());
}

TEST(RunningJobs, NextMayBeNull) {
  RunningJobs running(1, nullptr);
  const Job a{.id = "a"};
  running.job_started(1, a);
  running.job_finished(1, a, {});
  EXPECT_THAT(running.ids(), IsEmpty());
}

TEST(RunningJobs, OnThisThreadFromTheStartOfAJobToItsEnd) {
  RunningJobs running(2, nullptr);
  const Job a{.id = "a"};
  running.job_started(2, a);
  EXPECT_TRUE(running.on_this_thread());
  running.job_finished(2, a, {});
  EXPECT_FALSE(running.on_this_thread());
}

TEST(RunningJobs, OnThisThreadAlsoInsideNext) {
  Watchdog watchdog;
  const auto note = watchdog.waiting("next: for a lock of RunningJobs");
  const auto next = std::make_shared<Next>();
  RunningJobs running(1, next);
  bool at_start = false, at_end = false;
  next->on_started = [&] { at_start = running.on_this_thread(); };
  next->on_finished = [&] { at_end = running.on_this_thread(); };
  const Job a{.id = "a"};
  running.job_started(1, a);
  running.job_finished(1, a, {});
  EXPECT_TRUE(at_start) << "inside next->job_started()";
  EXPECT_TRUE(at_end) << "inside next->job_finished()";
}

TEST(RunningJobs, OnThisThreadTellsThreadsApart) {
  Watchdog watchdog;
  RunningJobs running(2, nullptr);
  const Job mine{.id = "mine"}, theirs{.id = "theirs"};
  running.job_started(1, mine);

  bool before = true, during = false, after = true;
  watchdog
      .thread("worker 2: does not wait",
              [&] {
                before = running.on_this_thread();
                running.job_started(2, theirs);
                during = running.on_this_thread();
                running.job_finished(2, theirs, {});
                after = running.on_this_thread();
              })
      .join();
  EXPECT_FALSE(before) << "before its job, while the other thread had one";
  EXPECT_TRUE(during) << "during its job, while the other thread had one";
  EXPECT_FALSE(after) << "after its job, while the other thread had one";
  EXPECT_TRUE(running.on_this_thread()) << "the thread whose job never finished";
}

TEST(RunningJobs, AWorkerThatIsStuckInNextBlocksNoOtherThread) {
  Watchdog watchdog;
  Gate gate(watchdog, "next may return");
  const auto next = std::make_shared<Next>();
  RunningJobs running(2, next);
  next->on_started = [&] { gate.wait(); };
  const Job stuck{.id = "stuck"}, quick{.id = "quick"};
  const auto worker = watchdog.thread("worker 1: for next", [&] { running.job_started(1, stuck); });
  gate.await_arrivals(1);
  {
    const auto note = watchdog.waiting("worker 2 and the shutdown: for a lock of RunningJobs");
    running.job_finished(2, quick, {});
    EXPECT_THAT(running.ids(), ElementsAre("stuck"));
    EXPECT_FALSE(running.on_this_thread());
  }
  gate.open();
}

TEST(RunningJobs, CountsJobsWhenTheWorkersAreDoneWithThem) {
  RunningJobs running(2, nullptr);
  const Job a{.id = "a"}, late{.id = "late"};
  EXPECT_EQ(running.finished(), 0u);
  running.job_started(1, a);
  EXPECT_EQ(running.finished(), 0u) << "a job that has not finished";
  running.job_finished(1, a, {});
  EXPECT_EQ(running.finished(), 1u);
  running.job_finished(2, late, std::unexpected(ended(CancelReason::kDeadlineExceeded)));
  EXPECT_EQ(running.finished(), 2u) << "a job that never started counts too";
}

TEST(RunningJobs, CountsJobsByTheirResult) {
  RunningJobs running(20, nullptr);
  const Job job{.id = "a"};
  for (int worker = 1; worker <= 20; ++worker) running.job_finished(worker, job, {});
  running.job_finished(2, job, std::unexpected(JobError{}));
  running.job_finished(20, job, std::unexpected(ended(CancelReason::kShutDown)));
  const FinishedJobs finished = running.count_finished([] {});
  EXPECT_EQ(finished.succeeded, 20u);
  EXPECT_EQ(finished.failed, 2u);
  EXPECT_EQ(finished.shut_down, 1u);
}

TEST(RunningJobs, CountsAJobOnlyAfterNextHasSeenIt) {
  const auto next = std::make_shared<Next>();
  RunningJobs running(1, next);
  std::uint64_t seen_by_next = 1;
  next->on_finished = [&] {
    seen_by_next = running.finished();
    throw std::runtime_error("disk full");
  };
  const Job a{.id = "a"};
  EXPECT_THROW(running.job_finished(1, a, {}), std::runtime_error);
  EXPECT_EQ(seen_by_next, 0u);
  EXPECT_EQ(running.finished(), 1u) << "the job has finished although next threw";
}

// ids() reads jobs that belong to the workers. The sanitizers check that it never reads a destroyed
// one.
TEST(RunningJobs, MayBeAskedWhileJobsStartAndFinish) {
  Watchdog watchdog;
  RunningJobs running(2, nullptr);
  const std::string prefix = "a name that is too long for the string object itself ";
  std::atomic<bool> called_enough = false;
  const auto worker = watchdog.thread("worker: for the test to call ids() often enough", [&] {
    for (int number = 1; !called_enough; ++number) {
      const auto job = std::make_unique<const Job>(Job{.id = prefix + std::to_string(number)});
      running.job_started(2, *job);
      running.job_finished(2, *job, {});
    }
  });
  std::vector<std::string> wrong;
  for (const std::uint64_t some : {1u, 100u, 200u}) {
    watchdog.await("some jobs", [&] { return running.finished() >= some; });
    for (int i = 0; i < 1'000; ++i) {
      const std::uint64_t finished = running.finished();
      for (const std::string& id : running.ids()) {
        const bool known = id.starts_with(prefix);
        if (!known || std::stoull(id.substr(prefix.size())) <= finished) wrong.push_back(id);
      }
    }
  }
  called_enough = true;
  EXPECT_THAT(wrong, IsEmpty()) << "these are not ids, or belong to jobs that had finished";
}

}  // namespace
}  // namespace worker_pool
