// What consumer.h promises, without a server: the fake broker decides what is delivered when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <expected>
#include <future>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/fake.h"
#include "consumer/attempts.h"
#include "consumer/consumer.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step4_shutdown/shutdown.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Property;
using ::testing::StartsWith;
using ::testing::StrEq;
using ::testing::Throws;

JobResult succeed(const Job&, const Context&) { return {}; }

// Of job-1.
auto deliver_once(FakeServer& server, std::uint64_t number) {
  return [&server, number, delivered = false]() mutable -> std::vector<Delivery> {
    if (std::exchange(delivered, true)) return {};
    return {server.delivery("job-1", number)};
  };
}

std::unique_ptr<Consumer> make_consumer(
    const Consumer::Options& options, const JobHandler& handler = succeed,
    const JobEvent& event = [](auto&&...) {}) {
  const Broker::Options shortest = {.ack_wait = Consumer::kMinAckWait};
  return std::make_unique<Consumer>(options, std::make_shared<Broker>(shortest), handler, event);
}

void expect_refused(const Consumer::Options& options, const std::string& why) {
  EXPECT_THAT([&] { make_consumer(options); },
              Throws<std::invalid_argument>(Property(&std::exception::what, StrEq(why))));
}

TEST(ConsumerWithAFake, RefusesToBeWithoutABroker) {
  EXPECT_THAT([] { Consumer({}, nullptr, succeed, [](auto&&...) {}); },
              Throws<std::invalid_argument>(
                  Property(&std::exception::what, StrEq("Consumer: the broker is null"))));
}

TEST(ConsumerWithAFake, RefusesToRunTwice) {
  const Watchdog watchdog;
  FakeServer server;
  std::stop_source stop;
  stop.request_stop();
  const auto consumer = make_consumer({});
  const auto note = watchdog.waiting("test: for the consumer to shut down");
  (void)consumer->run(stop.get_token(), {});
  EXPECT_THROW((void)consumer->run(stop.get_token(), {}), std::logic_error);
}

// No job could start in time, and each would be handed back and fetched again.
TEST(ConsumerWithAFake, RefusesATimeoutThatHasPassed) {
  const Watchdog watchdog;
  FakeServer server;
  const auto note = watchdog.waiting("test: for the workers to leave");
  expect_refused({.job_timeout = milliseconds(0)},
                 "Consumer: job_timeout is 0 ns, it must be at least 1 ns");
  expect_refused({.job_timeout = milliseconds(-1)},
                 "Consumer: job_timeout is -1000000 ns, it must be at least 1 ns");
  EXPECT_NO_THROW(make_consumer({.job_timeout = std::chrono::nanoseconds(1)}));
}

TEST(ConsumerWithAFake, GivesAJobNoTimeoutIfItsTimeoutIsForever) {
  const Watchdog watchdog;
  FakeServer server;
  std::atomic<Clock::time_point> deadline{};
  std::stop_source stop;
  server.on_fetch = deliver_once(server, 1);
  const auto consumer =
      make_consumer({.job_timeout = kForever}, [&](const Job&, const Context& ctx) {
        deadline = ctx.deadline();
        stop.request_stop();
        return JobResult();
      });
  const auto note = watchdog.waiting("test: for the consumer to shut down");
  (void)consumer->run(stop.get_token(), {});
  EXPECT_EQ(deadline.load(), Clock::time_point::max());
  EXPECT_THAT(server.answers(), ElementsAre("done job-1"));
}

// A server that was started again may deliver a job a second time, to the same consumer, after its
// last fetch. Handed back, that delivery would start the job on another consumer at once.
TEST(ConsumerWithAFake, HandsBackNoLateDeliveryOfAJobInHand) {
  const Watchdog watchdog;
  FakeServer server;
  std::stop_source stop;
  server.on_fetch = deliver_once(server, 1);
  server.on_stop_fetching = [&] {
    return std::vector{server.delivery("job-1", 2), server.delivery("job-2", 1)};
  };
  // Runs until the shutdown cancels it, which is after the late deliveries were handed back.
  const auto handler = [&](const Job&, const Context& ctx) -> JobResult {
    stop.request_stop();
    (void)ctx.sleep_for(kForever);
    return std::unexpected(ended(*ctx.err()));
  };
  const auto consumer =
      make_consumer({.limits = {.drain = Clock::duration::zero(), .cancel = kForever}}, handler);
  const auto note = watchdog.waiting("test: for the consumer to shut down");
  (void)consumer->run(stop.get_token(), {});
  EXPECT_THAT(server.answers(), ElementsAre("again job-2", "again job-1"));
}

// The broker may have delivered the job to another consumer by then, and would do so once more.
TEST(ConsumerWithAFake, HandsBackNoLateDeliveryOfAJobThatIsAnsweredMeanwhile) {
  const Watchdog watchdog;
  FakeServer server;
  Gate gate(watchdog, "the job may fail");
  std::stop_source stop;
  server.on_fetch = deliver_once(server, 1);
  server.on_stop_fetching = [&] {
    gate.open();
    watchdog.await("the job's answer", [&] { return !server.answers().empty(); });
    return std::vector{server.delivery("job-1", 2)};
  };
  const auto handler = [&](const Job&, const Context&) -> JobResult {
    stop.request_stop();
    gate.wait();
    return std::unexpected(JobError{.kind = JobError::Kind::kFailed});
  };
  const auto consumer = make_consumer({}, handler);
  const auto note = watchdog.waiting("test: for the consumer to shut down");
  (void)consumer->run(stop.get_token(), {});
  EXPECT_THAT(server.answers(), ElementsAre("again after 1000 ms job-1"));
}

// A second crash of the suspect would end the jobs beside it.
TEST(ConsumerWithAFake, StartsASuspectAloneAndFetchesNothingMeanwhile) {
  const Watchdog watchdog;
  FakeServer server;
  EventLog log(watchdog);
  std::stop_source stop;
  server.on_fetch = [&, fetches = 0]() mutable -> std::vector<Delivery> {
    log.add("fetch");
    if (++fetches > 1) return {};
    return {server.delivery("suspect", 2), server.delivery("other", 1)};
  };
  const auto handler = [&](const Job& job, const Context&) -> JobResult {
    log.add(job.id + " starts");
    std::this_thread::sleep_for(milliseconds(20));  // in which nothing else may begin
    log.add(job.id + " ends");
    return {};
  };
  const auto broker = std::make_shared<Broker>(Broker::Options{.ack_wait = Consumer::kMinAckWait});
  AttemptLog(broker->attempts()).write("suspect", {.starts = 1, .open = true});
  Consumer consumer({}, broker, handler, [&](std::string_view what, const std::string& id) {
    if (what == "done" && id == "suspect") stop.request_stop();
  });
  const auto note = watchdog.waiting("test: for the consumer to shut down");
  (void)consumer.run(stop.get_token(), {});
  std::vector<std::string> events = log.events();
  events.resize(5);
  EXPECT_THAT(events,
              ElementsAre("fetch", "other starts", "other ends", "suspect starts", "suspect ends"));
}

// Elsewhere, such a job ends the program: forced_unwind.h.
#if defined(__GLIBCXX__) && defined(__GLIBC__)
// It would take jobs from other consumers, and run none of them.
TEST(ConsumerWithAFake, EndsWithAnErrorOnceItsJobsHaveEndedAllItsWorkers) {
  const Watchdog watchdog;
  FakeServer server;
  server.on_fetch = [&server, fetches = 0]() mutable {
    return std::vector{server.delivery("job-" + std::to_string(++fetches), 1)};
  };
  const auto end_thread = [](const Job&, const Context&) -> JobResult { pthread_exit(nullptr); };
  const auto consumer = make_consumer({.pool = {.workers = 1, .capacity = 1}}, end_thread);
  const auto note = watchdog.waiting("test: for the consumer to end");
  EXPECT_THAT([&] { (void)consumer->run({}, {}); },
              Throws<std::runtime_error>(
                  Property(&std::exception::what,
                           StrEq("Consumer: its jobs have ended the threads of all its workers"))));
  const std::vector<std::string> answers = server.answers();
  EXPECT_THAT(answers, Contains("done job-1")) << "it is buried";
  EXPECT_EQ(consumer->in_hand(), 0u) << "each job that did not start is handed back";
  for (std::size_t i = 1; i < answers.size(); ++i)
    EXPECT_THAT(answers[i], StartsWith("again job-"));
}
#endif

// The broker delivers the job again after the ack wait, and the consumer that runs it then must not
// lose it to the answer of an abandoned thread.
TEST(ConsumerWithAFake, LeavesAnAbandonedJobThatFailsLateToTheBroker) {
  const Watchdog watchdog;
  FakeServer server;
  const auto gate = std::make_shared<Gate>(watchdog, "the abandoned job may fail");
  std::stop_source stop;
  server.on_fetch = deliver_once(server, 1);
  std::atomic<int> extensions = 0;
  server.on_extend = [&] { ++extensions; };
  bool flushed = false;
  server.on_flush = [&] {
    flushed = true;
    watchdog.await("an extension during the flush",
                   [&, before = extensions.load()] { return extensions > before; });
  };
  // On purpose without the context (WP-10).
  const auto handler = [stop, gate](const Job&, const Context&) mutable -> JobResult {
    stop.request_stop();
    gate->wait();
    return std::unexpected(JobError{.kind = JobError::Kind::kFailed});
  };
  const auto told = std::make_shared<std::promise<std::string>>();
  const JobEvent event = [told](std::string_view what, const std::string&) {
    if (what != "started") told->set_value(std::string(what));
  };
  const auto consumer = make_consumer(
      {.limits = {.drain = Clock::duration::zero(), .cancel = Clock::duration::zero()}}, handler,
      event);
  {
    const auto note = watchdog.waiting("test: for the consumer to shut down");
    const ShutdownReport report = consumer->run(stop.get_token(), {});
    EXPECT_THAT(report.still_running, ElementsAre("job-1"));
  }
  EXPECT_TRUE(flushed) << "what was handed back may never be sent";
  gate->open();
  const auto note = watchdog.waiting("test: for the job to fail");
  EXPECT_EQ(told->get_future().get(), "left to the broker");
  EXPECT_THAT(server.answers(), IsEmpty());
}

// It is not extended any longer, so another consumer may run it when it fails.
TEST(ConsumerWithAFake, AbandonsItsJobsIfAnExceptionEndsIt) {
  const Watchdog watchdog;
  FakeServer server;
  Gate gate(watchdog, "the job may fail");
  server.on_fetch = [&, first = deliver_once(server, 1)]() mutable {
    std::vector<Delivery> jobs = first();
    if (!jobs.empty()) return jobs;
    gate.await_arrivals(1);
    throw std::invalid_argument("another ack wait");
  };
  const auto handler = [&](const Job&, const Context&) -> JobResult {
    gate.wait();
    return std::unexpected(JobError{.kind = JobError::Kind::kFailed});
  };
  auto consumer = make_consumer({}, handler);
  const auto note = watchdog.waiting("test: for the consumer to end");
  EXPECT_THROW((void)consumer->run({}, {}), std::invalid_argument);
  gate.open();
  consumer.reset();  // joins the worker
  EXPECT_THAT(server.answers(), IsEmpty());
}

// The first extension takes the memory of the thread that extends. An exception that leaves it
// would end this program (WP-04).
TEST(ConsumerWithAFake, ExtendsJobsWithoutMemory) {
  const Watchdog watchdog;
  FakeServer server;
  std::stop_source stop;
  server.on_fetch = deliver_once(server, 1);
  std::atomic<int> extensions = 0;
  server.on_extend = [&] {
    allow_allocations(0);
    ++extensions;
  };
  const auto handler = [&](const Job&, const Context& ctx) -> JobResult {
    (void)ctx.sleep_for(kForever);
    return std::unexpected(ended(*ctx.err()));
  };
  const auto consumer =
      make_consumer({.limits = {.drain = Clock::duration::zero(), .cancel = kForever}}, handler);
  const auto stopper = watchdog.thread("stopper: for the second extension", [&] {
    watchdog.await("the second extension", [&] { return extensions >= 2; });
    stop.request_stop();
  });
  const auto note = watchdog.waiting("test: for the consumer to shut down");
  (void)consumer->run(stop.get_token(), {});
  EXPECT_THAT(server.answers(), ElementsAre("again job-1"));
}

}  // namespace
}  // namespace worker_pool
