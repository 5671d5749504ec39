// The channel of step 2 under every schedule.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <thread>

#include "full_pattern/every_schedule/every_schedule.h"
#include "step1_job/context.h"
#include "step2_worker/channel.h"
#include "testing/lab/explorer.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

TEST(ChannelSchedules, TwoReceiversGetEachValueOnce) {
  expect_every_schedule([] {
    auto [jobs, queue] = make_channel<int>(1);
    std::atomic<int> sum = 0;
    const auto receive_all = [&sum, values = queue] {
      while (const auto job = values.receive()) sum += *job;
    };
    std::jthread one(receive_all);
    std::jthread other(receive_all);
    expect_sent(jobs.send(1));
    expect_sent(jobs.send(2));
    jobs.close();
    one.join();
    other.join();
    lab::check(sum == 3, "a value was lost or received twice");
  });
}

TEST(ChannelSchedules, CloseWakesASender) {
  expect_every_schedule([] {
    auto [jobs, queue] = make_channel<int>(1);
    expect_sent(jobs.send(1));
    SendStatus status = SendStatus::kFull;
    std::jthread sender([&] { status = jobs.send(2); });
    std::jthread closer([&] { jobs.close(); });
    sender.join();
    closer.join();
    lab::check(status == SendStatus::kClosed, "the sender did not learn of the close");
    lab::check(queue.receive() == 1, "the value that was sent is lost");
    lab::check(!queue.receive(), "a refused value was received");
  });
}

TEST(ChannelSchedules, CloseWakesEveryReceiver) {
  expect_every_schedule([] {
    auto [jobs, queue] = make_channel<int>(1);
    const auto receive = [values = queue] {
      lab::check(!values.receive(), "received a value that was never sent");
    };
    std::jthread one(receive);
    std::jthread other(receive);
    jobs.close();
  });
}

TEST(ChannelSchedules, PendingValuesAreTakenBackOrReceived) {
  expect_every_schedule([] {
    auto [jobs, queue] = make_channel<int>(1);
    expect_sent(jobs.send(1));
    SendStatus status = SendStatus::kFull;
    std::optional<int> received;
    std::jthread sender([&] { status = jobs.send(2); });
    std::jthread receiver([&] { received = queue.receive(); });
    const std::size_t taken = jobs.close_and_take_pending().size();
    sender.join();
    receiver.join();
    const std::size_t sent = status == SendStatus::kSent ? 2 : 1;
    lab::check(taken + (received ? 1 : 0) == sent, "a value was lost or is there twice");
  });
}

TEST(ChannelSchedules, ASendThatTimesOutKeepsItsValue) {
  expect_every_schedule([] {
    auto [jobs, queue] = make_channel<int>(1);
    expect_sent(jobs.send(1));
    SendStatus status = SendStatus::kClosed;
    std::jthread sender([&] { status = jobs.send_for(2, 1ms); });
    std::jthread receiver([&] { lab::check(queue.receive() == 1, "not the first value"); });
    sender.join();
    receiver.join();
    const bool is_there = queue.try_receive().has_value();
    lab::check(is_there == (status == SendStatus::kSent), "the value is not where the status says");
  });
}

TEST(ChannelSchedules, StatsAreConsistent) {
  expect_every_schedule([] {
    auto [jobs, queue] = make_channel<int>(2);
    std::jthread receiver([values = queue] { (void)values.receive(); });
    expect_sent(jobs.send(1));
    const ChannelStats stats = jobs.stats();
    lab::check(stats.sent == 1, "the value does not count as sent");
    lab::check(stats.queued <= 1, "more values are queued than were sent");
  });
}

// --- A send with a context -----------------------------------------------------------------------

TEST(ChannelSchedules, ASendThatIsCanceledKeepsItsValue) {
  expect_every_schedule([] {
    auto [jobs, queue] = make_channel<int>(1);
    expect_sent(jobs.send(1));
    std::stop_source stop;
    SendStatus status = SendStatus::kFull;
    std::jthread sender([&] { status = jobs.send(2, Context(stop.get_token())); });
    std::jthread receiver([&] { lab::check(queue.receive() == 1, "not the first value"); });
    std::jthread canceler([&] { stop.request_stop(); });
    sender.join();
    receiver.join();
    canceler.join();
    const bool is_sent = status == SendStatus::kSent;
    lab::check(is_sent || status == SendStatus::kContextEnded, "neither sent nor canceled");
    lab::check(queue.try_receive().has_value() == is_sent, "the value is not where it should be");
  });
}

TEST(ChannelSchedules, ACancelWakesASender) {
  expect_every_schedule([] {
    auto [jobs, queue] = make_channel<int>(1);
    expect_sent(jobs.send(1));
    std::stop_source stop;
    std::jthread sender([&] {
      const SendStatus status = jobs.send(2, Context(stop.get_token()));
      lab::check(status == SendStatus::kContextEnded, "the sender did not learn of the cancel");
    });
    std::jthread canceler([&] { stop.request_stop(); });
  });
}

TEST(ChannelSchedules, ACancelWakesTheCanceledOneOfTwoSenders) {
  expect_every_schedule([] {
    auto [jobs, queue] = make_channel<int>(1);
    expect_sent(jobs.send(1));
    std::stop_source stop;
    std::jthread canceled([&] {
      const SendStatus status = jobs.send(2, Context(stop.get_token()));
      lab::check(status == SendStatus::kContextEnded, "the sender did not learn of the cancel");
    });
    std::jthread other([&] { expect_sent(jobs.send(3)); });
    stop.request_stop();
    canceled.join();
    lab::check(queue.receive() == 1, "the value that was sent is lost");
    other.join();
    lab::check(queue.receive() == 3, "the value of the other sender is lost");
  });
}

TEST(ChannelSchedules, ACancelOrACloseWakesASender) {
  expect_every_schedule([] {
    auto [jobs, queue] = make_channel<int>(1);
    expect_sent(jobs.send(1));
    std::stop_source stop;
    SendStatus status = SendStatus::kFull;
    std::jthread sender([&] { status = jobs.send(2, Context(stop.get_token())); });
    std::jthread closer([&] { jobs.close(); });
    std::jthread canceler([&] { stop.request_stop(); });
    sender.join();
    closer.join();
    canceler.join();
    lab::check(status == SendStatus::kClosed || status == SendStatus::kContextEnded,
               "neither closed nor canceled");
    lab::check(queue.receive() == 1, "the value that was sent is lost");
    lab::check(!queue.receive(), "a refused value was received");
  });
}

// The notification for the only free place may wake the sender that is canceled. The callback that
// comes first gives it the time to leave before its own callback would notify all senders.
TEST(ChannelSchedules, ACanceledSenderLeavesTheRoomToTheOther) {
  expect_every_schedule([] {
    auto [jobs, queue] = make_channel<int>(1);
    expect_sent(jobs.send(1));
    std::stop_source stop;
    std::jthread canceled([&] {
      if (jobs.send(2, Context(stop.get_token())) == SendStatus::kSent) (void)queue.receive();
    });
    std::jthread receiver([&] {
      (void)queue.receive();
      const std::stop_callback comes_first(stop.get_token(), [] {});
      stop.request_stop();
    });
    expect_sent(jobs.send(3));
  });
}

}  // namespace
}  // namespace worker_pool
