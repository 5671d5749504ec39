// A consumer in this process, with options and events that the program //consumer cannot have.
#include "consumer/consumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <expected>
#include <future>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "consumer/attempts.h"
#include "scenarios/raw_client.h"
#include "scenarios/scenario.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::StrEq;
using ::testing::Throws;

JobResult sleep_until_canceled(const Job&, const Context& ctx) {
  (void)ctx.sleep_for(kForever);
  return std::unexpected(ended(*ctx.err()));
}

// Runs the consumer until the condition holds.
template <class Condition>
ShutdownReport run_until(const std::string& what, const Scenario& scenario, Consumer& consumer,
                         Condition holds) {
  std::stop_source stop;
  const auto stopper = scenario.watchdog().thread("stopper: for " + what, [&] {
    scenario.watchdog().await(what, holds);
    stop.request_stop();
  });
  const auto note = scenario.watchdog().waiting("test: for the consumer to shut down");
  return consumer.run(stop.get_token(), {});
}

TEST(Consumer, RefusesOptionsOutOfTheirBounds) {
  Scenario scenario({});
  const auto make = [&](milliseconds ack_wait, std::size_t batch) {
    const Broker::Options options = {.url = scenario.server().url(), .ack_wait = ack_wait};
    const Consumer consumer({.batch = batch}, std::make_shared<Broker>(options),
                            sleep_until_canceled, [](auto&&...) {});
  };
  const auto throws = [](const std::string& what) {
    return Throws<std::invalid_argument>(Property(&std::exception::what, StrEq(what)));
  };
  EXPECT_THAT([&] { make(milliseconds(999), 1); },
              throws("Consumer: ack_wait is 999 ms, it must be at least 1000 ms"));
  EXPECT_THAT([&] { make(seconds(1), 0); }, throws("Consumer: batch is 0, allowed are 1 to 10000"));
  EXPECT_THAT([&] { make(seconds(1), 10'001); },
              throws("Consumer: batch is 10001, allowed are 1 to 10000"));
  EXPECT_NO_THROW(make(seconds(1), 1));
  EXPECT_NO_THROW(make(Broker::kMaxAckWait, 10'000));
}

// A sum of the limits that overflows would be a time in the past. The ack wait is the server's, in
// real time, so the job is longer than two of them. Nothing waits for another thread by sleeping.
TEST(Consumer, WithoutACancelLimitExtendsAJobThatTakesLongerThanTheAckWait) {
  Scenario scenario({});
  const Broker::Options options = {.url = scenario.server().url(), .ack_wait = seconds(3)};
  const JobHandler handler = [](const Job&, const Context& ctx) -> JobResult {
    (void)ctx.sleep_for(seconds(7));
    return {};
  };
  Consumer consumer({.limits = {.cancel = kForever}}, std::make_shared<Broker>(options), handler,
                    [](auto&&...) {});
  scenario.produce(1, "sleep");
  run_until("the job", scenario, consumer, [&] { return consumer.counts().done == 1; });
  EXPECT_EQ(consumer.counts().redelivered.load(), 0u);
}

// The ack wait is longer than the test may take, so only a job that is handed back is delivered
// again. One worker runs one of the three jobs, and the others wait.
TEST(Consumer, HandsEveryJobBackAlsoIfAnEventThrows) {
  Scenario scenario({});
  const Broker::Options options = {.url = scenario.server().url(), .ack_wait = minutes(10)};
  std::atomic<bool> started = false;
  const JobEvent event = [&started](std::string_view what, const std::string& id) {
    if (what == "started") started = true;
    throw std::runtime_error("cannot log \"" + std::string(what) + " " + id + "\"");
  };
  Consumer consumer(
      {.pool = {.workers = 1, .capacity = 3}, .limits = {.drain = seconds(0), .cancel = kForever}},
      std::make_shared<Broker>(options), sleep_until_canceled, event);
  scenario.produce(3, "sleep");
  const ShutdownReport report =
      run_until("three jobs in hand, one of them running", scenario, consumer,
                [&] { return started && consumer.in_hand() == 3; });
  EXPECT_EQ(report.outcome, ShutdownOutcome::kCancelled);
  EXPECT_EQ(consumer.counts().handed_back.load(), 3u);
  EXPECT_EQ(consumer.in_hand(), 0u);
  EXPECT_EQ(Broker(options).fetch(3, seconds(5)).size(), 3u);
}

// The ack wait is the server's, in real time. This process is alive when it is over. A job that was
// late before it started is handed back, and that delivery does not count.
TEST(Consumer, LeavesAJobToTheBrokerAfterItsTimeoutAndTheCancelLimit) {
  Scenario scenario({});
  const Broker::Options options = {.url = scenario.server().url(), .ack_wait = seconds(1)};
  std::promise<void> release;
  const JobHandler handler = [released = release.get_future().share()](
                                 const Job&, const Context&) -> JobResult {
    released.wait();  // on purpose without the context (WP-10)
    return {};
  };
  Consumer consumer({.job_timeout = milliseconds(100), .limits = {.cancel = milliseconds(10)}},
                    std::make_shared<Broker>(options), handler, [](auto&&...) {});
  scenario.produce(1, "ignore");
  run_until("the second delivery", scenario, consumer, [&] {
    if (consumer.counts().redelivered <= consumer.counts().handed_back) return false;
    release.set_value();
    return true;
  });
}

// An event between two questions shows what is in hand then. The jobs have results, so none starts.
TEST(Consumer, HasAllOfABatchInHandBeforeItAsksAboutOne) {
  constexpr int kJobs = 100;
  Scenario scenario({});
  const Broker::Options options = {.url = scenario.server().url(), .ack_wait = minutes(10)};
  scenario.produce(kJobs, "sleep");
  {
    Broker other(options);
    const auto note = scenario.watchdog().waiting("test: for the jobs");
    std::vector<Delivery> all;
    while (all.size() < kJobs)
      std::ranges::move(other.fetch(kJobs, seconds(5)), std::back_inserter(all));
    for (const Delivery& job : all) {
      EXPECT_TRUE(other.results().create(job.id, "done"));
      EXPECT_TRUE(job.again(milliseconds(0)));
    }
    EXPECT_TRUE(other.flush(seconds(5)));
  }
  const Consumer* running = nullptr;
  std::size_t most = 0;
  std::atomic<int> done = 0;
  const JobEvent event = [&](std::string_view what, const std::string&) {
    most = std::max(most, running->in_hand());
    done += what == "done before" ? 1 : 0;
  };
  Consumer consumer({.batch = 10}, std::make_shared<Broker>(options), sleep_until_canceled, event);
  running = &consumer;
  run_until("all jobs to be done", scenario, consumer, [&] { return done == kJobs; });
  EXPECT_GT(most, 0u);
}

// Delivers the suspect when the other job hangs. A suspect that is late before it starts, on a busy
// machine, is delivered again.
TEST(Consumer, RunsASuspectThoughAnotherJobHangs) {
  Scenario scenario({});
  const Broker::Options options = {.url = scenario.server().url(), .ack_wait = seconds(1)};
  Broker other(options);
  scenario.produce(1, "sleep", "suspect-");
  const std::vector<Delivery> suspect = other.fetch(1, seconds(5));
  ASSERT_EQ(suspect.size(), 1u);
  AttemptLog(other.attempts()).write("suspect-1", {.starts = 1, .open = true});
  std::promise<void> release;
  std::atomic<bool> hangs = false;
  std::atomic<bool> ran = false;
  const JobHandler handler = [&, released = release.get_future().share()](
                                 const Job& job, const Context&) -> JobResult {
    if (job.id == "suspect-1") {
      ran = true;
    } else {
      hangs = true;
      released.wait();  // on purpose without the context (WP-10)
    }
    return {};
  };
  Consumer consumer({.job_timeout = milliseconds(500), .limits = {.cancel = milliseconds(100)}},
                    std::make_shared<Broker>(options), handler, [](auto&&...) {});
  scenario.produce(1, "ignore", "hang-");
  bool delivered = false;
  run_until("the suspect to run", scenario, consumer, [&] {
    if (hangs && !std::exchange(delivered, true)) suspect[0].again(milliseconds(0));
    if (!ran) return false;
    release.set_value();
    return true;
  });
}

// Prints what it is told, and keeps it. The report of a watchdog goes there too.
struct Copy : std::stringbuf {
  int sync() override {
    std::cout << str() << std::flush;
    return 0;
  }
};

// The pause is longer than the test may take, so a job that is handed back at once is delivered
// again.
TEST(Consumer, PausesIfItCannotAskWhetherAJobIsDone) {
  Scenario scenario({});
  const Broker::Options options = {.url = scenario.server().url(), .ack_wait = minutes(10)};
  scenario.produce(1, "sleep");
  {
    Broker other(options);
    const std::vector<Delivery> first = other.fetch(1, seconds(5));
    ASSERT_EQ(first.size(), 1u);
    EXPECT_TRUE(first[0].again(milliseconds(0)));
    EXPECT_TRUE(other.flush(seconds(5)));
  }
  const auto broker = std::make_shared<Broker>(options);
  Consumer consumer({.settle = {.retry_delay = minutes(10)}}, broker, sleep_until_canceled,
                    [](auto&&...) {});
  RawClient(scenario.server().url()).remove_table("results");
  scenario.watchdog().await("questions to fail", [&] {
    try {
      (void)broker->results().get("job-1");
      return false;
    } catch (const BrokerError&) {
      return true;
    }
  });
  Copy printed;
  std::streambuf* const before = std::cerr.rdbuf(&printed);
  run_until("the job to be handed back", scenario, consumer,
            [&] { return consumer.counts().handed_back >= 1; });
  std::cerr.rdbuf(before);
  EXPECT_THAT(printed.str(), HasSubstr("consumer: get job-1"));
  EXPECT_EQ(consumer.counts().handed_back.load(), 1u);
  EXPECT_TRUE(Broker(options).fetch(1, milliseconds(300)).empty());
}

// An operator may publish the job again, and then it has all its starts again.
TEST(Consumer, ForgetsTheStartsOfAJobThatItBuries) {
  Scenario scenario({});
  const auto broker = std::make_shared<Broker>(Broker::Options{.url = scenario.server().url()});
  const JobHandler handler = [](const Job&, const Context&) -> JobResult {
    return std::unexpected(JobError{JobError::Kind::kFailed, "it always fails"});
  };
  Consumer consumer({.settle = {.max_starts = 2, .retry_delay = milliseconds(1)}}, broker, handler,
                    [](auto&&...) {});
  scenario.produce(1, "fail");
  run_until("the burial", scenario, consumer, [&] { return consumer.counts().buried == 1; });
  EXPECT_EQ(consumer.counts().failed.load(), 1u);
  EXPECT_EQ(AttemptLog(broker->attempts()).read("job-1").starts, 0);
}

// Elsewhere, such an event ends the program: forced_unwind.h.
#if defined(__GLIBCXX__) && defined(__GLIBC__)
TEST(Consumer, BuriesAJobWhoseEventEndsTheThread) {
  Scenario scenario({});
  const JobEvent event = [](std::string_view what, const std::string&) {
    if (what == "started") pthread_exit(nullptr);
  };
  Consumer consumer({}, std::make_shared<Broker>(Broker::Options{.url = scenario.server().url()}),
                    sleep_until_canceled, event);
  scenario.produce(1, "sleep");
  run_until("the burial", scenario, consumer, [&] { return consumer.counts().buried == 1; });
  EXPECT_EQ(scenario.broker().depth().buried, 1u);
}
#endif

}  // namespace
}  // namespace worker_pool
