// What settle.h promises while the broker has not replied to a request yet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <expected>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.h"
#include "broker/fake.h"
#include "consumer/attempts.h"
#include "consumer/settle.h"
#include "step1_job/context.h"
#include "step1_job/job.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Property;
using ::testing::StrEq;
using ::testing::Throws;

struct Ending {
  const char* name;
  int starts;  // earlier ones, of two that are allowed
  JobError error{};
  const char* request;
};

const std::vector<Ending> kEndings = {
    {"interrupted", 0, {.kind = JobError::Kind::kShutDown}, "put attempts/job-1 0 closed"},
    {"failed", 0, {.kind = JobError::Kind::kFailed}, "put attempts/job-1 1 closed"},
    {"failed too often", 1, {.kind = JobError::Kind::kFailed}, "bury job-1"},
    {"ended its thread", 0, {.kind = JobError::Kind::kThrew, .ended_thread = true}, "bury job-1"},
};

// A job that was delivered twice and has started.
struct StartedJob {
  FakeServer server{};
  std::vector<std::string> events{};
  Settle settle{{.max_starts = 2},
                std::make_shared<Broker>(Broker::Options{}),
                [this](std::string_view event, const std::string&) { events.emplace_back(event); }};
  const Job job{.id = "job-1"};

  explicit StartedJob(int starts) {
    settle.in_hand().add({.delivery = server.delivery(job.id, 2), .attempts = {.starts = starts}});
    settle.job_started(0, job);
    events.clear();
  }

  // Ends the job. Calls `meanwhile` before the broker replies to the ending's request.
  template <class F>
  void end(const Ending& ending, F meanwhile) {
    int requests = 0;
    server.on_request = [&](const std::string& request) {
      if (request != ending.request) return;
      ++requests;
      meanwhile();
    };
    EXPECT_NO_THROW(settle.job_finished(0, job, std::unexpected(ending.error)));
    EXPECT_EQ(requests, 1) << ending.request;
  }
};

// Every job that is delivered a second time would be buried.
TEST(SettleWithAFake, RefusesLessThanOneStart) {
  FakeServer server;
  const auto make = [](int max_starts) {
    const Settle settle({.max_starts = max_starts}, std::make_shared<Broker>(Broker::Options{}),
                        [](auto&&...) {});
  };
  const auto throws = [](const std::string& what) {
    return Throws<std::invalid_argument>(Property(&std::exception::what, StrEq(what)));
  };
  EXPECT_THAT([&] { make(0); }, throws("Settle: max_starts is 0, it must be at least 1"));
  EXPECT_THAT([&] { make(-1); }, throws("Settle: max_starts is -1, it must be at least 1"));
  EXPECT_NO_THROW(make(1));
}

// What is in hand is extended.
TEST(SettleWithAFake, KeepsAJobInHandUntilTheBrokerHasReplied) {
  for (const Ending& ending : kEndings) {
    SCOPED_TRACE(ending.name);
    StartedJob test(ending.starts);
    test.end(ending, [&] {
      EXPECT_EQ(test.settle.in_hand().size(), 1u) << "during \"" << ending.request << "\"";
      EXPECT_THAT(test.server.answers(), IsEmpty());
    });
    EXPECT_EQ(test.settle.in_hand().size(), 0u);
    EXPECT_EQ(test.server.answers().size(), 1u);
  }
}

TEST(SettleWithAFake, KeepsAHopelessJobInHandUntilItIsBuried) {
  StartedJob test(2);
  test.server.on_request = [&](const std::string& request) {
    if (request != "bury job-1") return;
    EXPECT_EQ(test.settle.in_hand().size(), 1u);
  };
  test.settle.bury(test.job, "started too often");
  EXPECT_THAT(test.server.answers(), ElementsAre("done job-1 (2)"));
}

// Another consumer may run the job when the reply arrives.
TEST(SettleWithAFake, HandsBackNoJobWhoseLimitHasPassedMeanwhile) {
  for (const Ending& ending : kEndings) {
    const bool buries = std::string_view(ending.request) == "bury job-1";
    SCOPED_TRACE(ending.name);
    StartedJob test(ending.starts);
    test.end(ending, [&] {
      test.settle.in_hand().set_limit("job-1", Clock::now());
      if (buries) throw BrokerError("no reply");
    });
    EXPECT_THAT(test.server.answers(), IsEmpty());
    EXPECT_THAT(test.events, ElementsAre("left to the broker"));
    EXPECT_EQ(test.settle.in_hand().size(), 0u);
  }
}

// It would be extended for as long as the process lives if its job has no timeout.
TEST(SettleWithAFake, HandsAJobBackAlsoIfARequestFindsNoMemory) {
  for (const Ending& ending : kEndings) {
    SCOPED_TRACE(ending.name);
    StartedJob test(ending.starts);
    test.end(ending, [] { throw std::bad_alloc(); });
    EXPECT_THAT(test.server.answers(), ElementsAre("again job-1 (2)"));
    EXPECT_EQ(test.settle.in_hand().size(), 0u);
    EXPECT_EQ(test.settle.counts().errors.load(), 1u);
  }
}

}  // namespace
}  // namespace worker_pool
