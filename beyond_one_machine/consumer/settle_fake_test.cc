// What settle.h promises while the broker has not replied to a request yet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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
  const char* answer;  // if the request fails
};

constexpr auto kAgain = "again job-1 (2)";
constexpr auto kAgainLater = "again after 1000 ms job-1 (2)";

const std::vector<Ending> kEndings = {
    {"interrupted", 0, {.kind = JobError::Kind::kShutDown}, "put attempts/job-1 0 closed", kAgain},
    {"failed", 0, {.kind = JobError::Kind::kFailed}, "put attempts/job-1 1 closed", kAgainLater},
    {"failed too often", 1, {.kind = JobError::Kind::kFailed}, "bury job-1", kAgainLater},
    {"was late",
     0,
     {.kind = JobError::Kind::kDeadlineExceeded},
     "put attempts/job-1 1 closed",
     kAgainLater},
    {"ended its thread",
     0,
     {.kind = JobError::Kind::kThrew, .ended_thread = true},
     "bury job-1",
     kAgainLater},
};

bool buries(const Ending& ending) { return std::string_view(ending.request) == "bury job-1"; }

// A job in hand that was delivered twice.
struct RedeliveredJob {
  FakeServer server{};
  std::vector<std::string> events{};
  Settle settle{{.max_starts = 2},
                std::make_shared<Broker>(Broker::Options{}),
                [this](std::string_view event, const std::string&) { events.emplace_back(event); }};
  const Job job{.id = "job-1"};

  explicit RedeliveredJob(int starts) {
    settle.in_hand().add({.delivery = server.delivery(job.id, 2), .attempts = {.starts = starts}});
  }
};

struct StartedJob : RedeliveredJob {
  explicit StartedJob(int starts) : RedeliveredJob(starts) {
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
    server.on_request = nullptr;
    EXPECT_EQ(requests, 1) << ending.request;
  }
};

// Every job that is delivered a second time would be buried.
TEST(SettleWithAFake, RefusesFewerThanOneStart) {
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
  RedeliveredJob test(2);
  int burials = 0;
  test.server.on_request = [&](const std::string& request) {
    if (request != "bury job-1") return;
    ++burials;
    EXPECT_EQ(test.settle.in_hand().size(), 1u);
  };
  test.settle.bury(test.job, "started too often");
  EXPECT_EQ(burials, 1);
  EXPECT_THAT(test.server.answers(), ElementsAre("done job-1 (2)"));
}

// Another consumer may run the job when the reply arrives.
TEST(SettleWithAFake, HandsBackNoJobWhoseLimitHasPassedMeanwhile) {
  for (const Ending& ending : kEndings) {
    SCOPED_TRACE(ending.name);
    StartedJob test(ending.starts);
    test.end(ending, [&] {
      test.settle.in_hand().set_limit("job-1", Clock::now());
      if (buries(ending)) throw BrokerError("no reply");
    });
    EXPECT_THAT(test.server.answers(), IsEmpty());
    EXPECT_THAT(test.events, ElementsAre("left to the broker"));
    EXPECT_EQ(test.settle.in_hand().size(), 0u);
  }
}

// Another consumer may run the job meanwhile, but nothing is left to do.
TEST(SettleWithAFake, RemovesAJobThatSucceedsOrIsCanceledAfterItsLimit) {
  const JobError canceled{.kind = JobError::Kind::kCancelled};
  for (const JobResult& result : {JobResult(), JobResult(std::unexpected(canceled))}) {
    SCOPED_TRACE(result ? "succeeded" : "canceled by its caller");
    StartedJob test(0);
    test.settle.in_hand().end_limits();
    test.settle.job_finished(0, test.job, result);
    EXPECT_THAT(test.server.answers(), ElementsAre("done job-1 (2)"));
    EXPECT_THAT(test.events, ElementsAre("done"));
    EXPECT_EQ(test.settle.in_hand().size(), 0u);
  }
}

// Without an answer, the broker would deliver the job once more, to be buried twice.
TEST(SettleWithAFake, RemovesAJobThatItHasBuriedAlsoAfterItsLimit) {
  for (const Ending& ending : kEndings) {
    if (!buries(ending)) continue;
    SCOPED_TRACE(ending.name);
    StartedJob test(ending.starts);
    test.end(ending, [&] { test.settle.in_hand().end_limits(); });
    EXPECT_THAT(test.server.answers(), ElementsAre("done job-1 (2)"));
    EXPECT_THAT(test.events, ElementsAre("buried"));
    EXPECT_EQ(test.settle.counts().buried.load(), 1u);
  }
}

// Each further start would end another worker.
TEST(SettleWithAFake, BuriesAJobThatEndsItsThreadAfterItsLimit) {
  StartedJob test(0);
  test.settle.in_hand().end_limits();
  test.end(kEndings.back(), [] {});
  EXPECT_THAT(test.server.answers(), ElementsAre("done job-1 (2)"));
}

// The broker delivers it again, perhaps to another consumer.
TEST(SettleWithAFake, AllowsNoStartOfAJobThatEndedItsThreadAndCannotBeBuried) {
  StartedJob test(0);
  test.end(kEndings.back(), [] { throw BrokerError("no reply"); });
  EXPECT_THAT(test.server.answers(), ElementsAre(kAgainLater));
  EXPECT_TRUE(test.settle.is_hopeless(test.settle.attempts("job-1")));
  EXPECT_EQ(test.settle.counts().ended_threads.load(), 1u);
}

// A job that waits for too long each time would be buried without a start.
TEST(SettleWithAFake, CountsNoStartOfAJobThatWasLateBeforeItStarted) {
  RedeliveredJob test(1);
  std::vector<std::string> requests;
  test.server.on_request = [&](const std::string& request) { requests.push_back(request); };
  const JobError late{.kind = JobError::Kind::kDeadlineExceeded};
  test.settle.job_finished(0, test.job, std::unexpected(late));
  EXPECT_THAT(requests, IsEmpty());
  EXPECT_THAT(test.server.answers(), ElementsAre(kAgain));
  EXPECT_EQ(test.settle.counts().handed_back.load(), 1u);
  EXPECT_EQ(test.settle.counts().failed.load(), 0u);
}

// The broker delivers the job again: to be buried, not to be started.
TEST(SettleWithAFake, ResetsTheRecordOfABuriedJobOnlyIfItIsRemoved) {
  for (const bool sent : {true, false}) {
    SCOPED_TRACE(sent ? "the removal is sent" : "the removal is not sent");
    StartedJob test(1);
    test.server.sends_done = sent;
    test.end(kEndings[2], [] {});
    EXPECT_EQ(to_text(test.settle.attempts("job-1")), sent ? "0 closed" : "2 open");
    EXPECT_EQ(test.settle.counts().errors.load(), sent ? 0u : 1u);
  }
}

// An abandoned worker may start its job after run() has returned (shutdown.h), when another
// consumer has a record of the job.
TEST(SettleWithAFake, RecordsNoStartAfterTheLimit) {
  RedeliveredJob test(0);
  test.settle.in_hand().end_limits();
  std::vector<std::string> requests;
  test.server.on_request = [&](const std::string& request) { requests.push_back(request); };
  test.settle.job_started(0, test.job);
  EXPECT_THAT(requests, IsEmpty());
}

// Otherwise, a job without a timeout would be extended for as long as the process lives.
TEST(SettleWithAFake, HandsAJobBackAlsoIfARequestFindsNoMemory) {
  for (const Ending& ending : kEndings) {
    SCOPED_TRACE(ending.name);
    StartedJob test(ending.starts);
    test.end(ending, [] { throw std::bad_alloc(); });
    EXPECT_THAT(test.server.answers(), ElementsAre(ending.answer));
    EXPECT_EQ(test.settle.in_hand().size(), 0u);
    EXPECT_EQ(test.settle.counts().errors.load(), 1u);
    EXPECT_EQ(test.settle.counts().buried.load(), 0u);
    EXPECT_EQ(std::ranges::count(test.events, "not buried"), buries(ending) ? 1 : 0);
  }
}

}  // namespace
}  // namespace worker_pool
