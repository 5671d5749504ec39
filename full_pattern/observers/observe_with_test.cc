#include "full_pattern/observers/observe_with.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "step4_shutdown/shutdown.h"
#include "testing/event_log.h"
#include "testing/watchdog.h"

#if defined(__GLIBCXX__) && defined(__GLIBC__)
#include <pthread.h>
#endif

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

const JobResult kFull = std::unexpected(JobError{JobError::Kind::kFailed, "disk full"});

// Writes each event to a log that several observers share.
class Named : public Observer {
 public:
  Named(std::string name, std::shared_ptr<EventLog> log)
      : name_(std::move(name)), log_(std::move(log)) {}

  void job_started(int worker, const Job& job) override {
    log_->add(name_ + ": " + std::to_string(worker) + " started " + job.id);
  }

  void job_finished(int worker, const Job& job, const JobResult& result) override {
    log_->add(name_ + ": " + std::to_string(worker) + " finished " + job.id + ", " +
              (result ? "ok" : result.error().message));
  }

 private:
  const std::string name_;
  const std::shared_ptr<EventLog> log_;
};

class Throws : public Observer {
  void job_started(int, const Job&) override { throw std::runtime_error("no"); }
  void job_finished(int, const Job&, const JobResult&) override { throw 42; }
};

TEST(ObserveWith, NotifiesEachInTheOrderGiven) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  const auto both =
      observe_with({std::make_shared<Named>("b", log), std::make_shared<Named>("a", log)});
  both->job_started(2, Job{.id = "x"});
  both->job_finished(2, Job{.id = "x"}, kFull);
  EXPECT_THAT(log->events(),
              ElementsAre("b: 2 started x", "a: 2 started x", "b: 2 finished x, disk full",
                          "a: 2 finished x, disk full"));
}

TEST(ObserveWith, OneThatThrowsDoesNotStopTheOthers) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  const auto several = observe_with({std::make_shared<Named>("a", log), std::make_shared<Throws>(),
                                     std::make_shared<Named>("b", log)});
  EXPECT_NO_THROW(several->job_started(1, Job{.id = "x"}));
  EXPECT_NO_THROW(several->job_finished(1, Job{.id = "x"}, {}));
  EXPECT_THAT(log->events(), ElementsAre("a: 1 started x", "b: 1 started x", "a: 1 finished x, ok",
                                         "b: 1 finished x, ok"));
}

TEST(ObserveWith, NullsAreLeftOut) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  const auto one = observe_with({nullptr, std::make_shared<Named>("a", log), nullptr});
  ASSERT_NE(one, nullptr);
  one->job_started(1, Job{.id = "x"});
  EXPECT_THAT(log->events(), ElementsAre("a: 1 started x"));
}

TEST(ObserveWith, NoObserverIsNull) {
  EXPECT_EQ(observe_with({}), nullptr);
  EXPECT_EQ(observe_with({nullptr, nullptr}), nullptr);
}

TEST(ObserveWith, KeepsItsObserversAlive) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  const auto one = observe_with({std::make_shared<Named>("a", log)});
  one->job_started(1, Job{.id = "x"});
  EXPECT_EQ(log->count("a: 1 started x"), 1u);
}

TEST(ObserveWith, APoolNotifiesThemAll) {
  const Watchdog watchdog;
  const auto log = std::make_shared<EventLog>(watchdog);
  WorkerPool pool(
      {.workers = 1}, [](const Job&, const Context&) { return JobResult(); },
      observe_with({std::make_shared<Throws>(), std::make_shared<Named>("a", log)}));
  ASSERT_EQ(pool.submit(Job{.id = "x"}), SendStatus::kSent);
  ASSERT_EQ(pool.shutdown({.drain = kForever}).outcome, ShutdownOutcome::kDrained);
  EXPECT_THAT(log->events(), ElementsAre("a: 1 started x", "a: 1 finished x, ok"));
}

// Elsewhere, such an observer ends the program: forced_unwind.h.
#if defined(__GLIBCXX__) && defined(__GLIBC__)
TEST(ObserveWith, AnObserverMayEndItsThread) {
  struct EndsThread : Observer {
    void job_started(int, const Job&) override { pthread_exit(nullptr); }
  };
  const auto both = observe_with({std::make_shared<EndsThread>(), std::make_shared<Throws>()});
  bool returned = false;
  std::thread([&] {
    both->job_started(1, Job{.id = "x"});
    returned = true;
  }).join();
  EXPECT_FALSE(returned);
}
#endif

}  // namespace
}  // namespace worker_pool
