// What broker.h promises of fetch(), with a server that hangs or is down.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "scenarios/raw_client.h"
#include "scenarios/scenario.h"
#include "step1_job/context.h"

namespace worker_pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// The server answers all the fetches that it has missed when it goes on. What it sends then waits
// in the client, beyond what its owner can handle before the ack wait is over.
TEST(Outage, NoFetchReturnsAJobForTheFirstTimeThatAnotherConsumerHas) {
  constexpr int kMissed = 30;
  constexpr int kJobs = kMissed * (3 + 1);  // what these ask for
  Scenario scenario({});
  const Broker::Options options = {.url = scenario.server().url(), .ack_wait = seconds(3)};
  Broker slow(options);
  Broker other(options);
  (void)slow.fetch(3, milliseconds(20));
  scenario.produce(kJobs, "sleep");
  scenario.server().hang();
  for (int i = 0; i < kMissed; ++i) (void)slow.fetch(3, milliseconds(20));
  scenario.server().resume();
  const auto note = scenario.watchdog().waiting("test: for all jobs to be done");
  std::set<std::string> others;
  bool some = true;
  while (some || scenario.broker().depth().jobs > 0) {
    some = false;
    for (const Delivery& job : slow.fetch(3, milliseconds(20))) {
      EXPECT_FALSE(job.number == 1 && others.contains(job.id)) << job.id;
      job.done();
      some = true;
    }
    // It gets nothing until the ack wait is over. This is the pause of a slow consumer.
    for (const Delivery& job : other.fetch(10, milliseconds(100))) {
      others.insert(job.id);
      job.done();
    }
  }
}

TEST(Outage, FetchAndDepthFailAtOnceWhileTheServerIsDown) {
  Scenario scenario({});
  Broker broker({.url = scenario.server().url(), .ack_wait = minutes(10)});
  EXPECT_TRUE(broker.fetch(1, milliseconds(1)).empty());
  scenario.server().kill();
  const auto fails = [&] {
    try {
      (void)broker.fetch(1, milliseconds(1));
      return false;
    } catch (const BrokerError&) {
      return true;
    }
  };
  scenario.watchdog().await("the client to notice", fails);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(fails());
  Clock::duration shortest = kForever;  // one call may be late on a busy machine
  for (int i = 0; i < 3; ++i) {
    const auto start = Clock::now();
    EXPECT_THROW((void)broker.depth(), BrokerError);
    shortest = std::min(shortest, Clock::now() - start);
  }
  EXPECT_LT(shortest, seconds(1));
  scenario.server().start();
  scenario.watchdog().await("the client to reconnect", [&] { return !fails(); });
}

// The ack wait is longer than the test may take, so no call registers because of the time.
TEST(Outage, FetchesAgainAfterTheServersConsumerWasRemoved) {
  Scenario scenario({});
  Broker broker({.url = scenario.server().url(), .ack_wait = minutes(10)});
  EXPECT_TRUE(broker.fetch(1, milliseconds(1)).empty());
  RawClient(scenario.server().url()).remove_consumer("pool-600000");
  scenario.produce(1, "sleep");
  scenario.watchdog().await("the job", [&] {
    try {
      return broker.fetch(1, milliseconds(100)).size() == 1;
    } catch (const BrokerError&) {
      return false;
    }
  });
}

}  // namespace
}  // namespace worker_pool
