// The server ends and is started again: stopped, killed, or down while a consumer exits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <iostream>
#include <string>

#include "scenarios/scenario.h"
#include "step1_job/context.h"

namespace worker_pool {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using ::testing::AnyOf;

constexpr int kWorkers = 3;
constexpr milliseconds kDrain{100};
constexpr milliseconds kCancel{1000};
// The times of guarantee 3 of consumer.h.
constexpr milliseconds kShutdown =
    kDrain + kCancel + milliseconds(100) + kWorkers * milliseconds(5);
constexpr milliseconds kLastFetch{100};
constexpr milliseconds kNoAnswer{12'000};

// Ends the server while jobs run and jobs are published, and starts it again.
void end_and_start(Scenario& scenario, void (Server::*end)()) {
  for (const char* name : {"a", "b", "c"}) scenario.consumer(name);
  scenario.start_producer({"--jobs=400", "--work=sleep 10"});
  scenario.await("some jobs", [](const JobLog& log) { return log.results() >= 30; });
  (scenario.server().*end)();
  scenario.server().start();
  const auto started = Clock::now();
  const std::size_t before = scenario.log().jobs("started");
  scenario.await("the first job", [&](const JobLog& log) { return log.jobs("started") > before; });
  const auto first_job = duration_cast<milliseconds>(Clock::now() - started);
  std::cout << "The first job started " << first_job.count() << " ms after the server was up\n";
  scenario.expect_all_done(400);
}

TEST(ServerEnd, StoppedAndStartedAgainLosesNothing) {
  Scenario scenario({"--ack_wait_ms=1000"});
  end_and_start(scenario, &Server::stop);
}

TEST(ServerEnd, KilledAndStartedAgainLosesNothing) {
  Scenario scenario({"--ack_wait_ms=1000"});
  end_and_start(scenario, &Server::kill);
}

TEST(ServerEnd, WhileItIsDownAConsumerExitsInTimeAndLosesNothing) {
  Scenario scenario({"--ack_wait_ms=1000", "--workers=" + std::to_string(kWorkers),
                     "--drain_ms=" + std::to_string(kDrain.count()),
                     "--cancel_ms=" + std::to_string(kCancel.count())});
  scenario.consumer("a");
  scenario.produce(30, "sleep 10");
  scenario.await("some jobs", [](const JobLog& log) { return log.results() >= 5; });
  scenario.server().stop();
  const auto start = Clock::now();
  EXPECT_EQ(scenario.terminate("a"), 0);
  EXPECT_LT(Clock::now() - start, kShutdown + kLastFetch + kNoAnswer);
  scenario.server().start();
  scenario.consumer("b");
  scenario.expect_all_done(30);
}

// A worker that stores a result waits for the server, and may be left behind: status 3.
TEST(ServerEnd, WhileItHangsAConsumerExitsInTimeAndLosesNothing) {
  Scenario scenario({"--ack_wait_ms=1000", "--workers=" + std::to_string(kWorkers),
                     "--drain_ms=" + std::to_string(kDrain.count()),
                     "--cancel_ms=" + std::to_string(kCancel.count())});
  scenario.consumer("a");
  scenario.produce(30, "sleep 10");
  scenario.await("some jobs", [](const JobLog& log) { return log.results() >= 5; });
  scenario.server().hang();
  const auto start = Clock::now();
  EXPECT_THAT(scenario.terminate("a"), AnyOf(0, 3));
  EXPECT_LT(Clock::now() - start, kShutdown + kLastFetch + kNoAnswer);
  scenario.server().resume();
  scenario.consumer("b");
  scenario.expect_all_done(30);
}

// The signal arrives while the producer waits for a confirmation, or between two jobs.
TEST(Producer, StoppedBySignalItCountsEveryJobThatIsStored) {
  constexpr int kJobs = 1'000'000;
  Scenario scenario({});
  scenario.start_producer({"--jobs=" + std::to_string(kJobs)});
  scenario.watchdog().await("some jobs", [&] { return scenario.broker().depth().jobs >= 10; });
  EXPECT_EQ(scenario.terminate("producer"), 1);
  scenario.await_line("producer: stored " + std::to_string(scenario.broker().depth().jobs) +
                      " of " + std::to_string(kJobs) + " jobs");
}

}  // namespace
}  // namespace worker_pool
