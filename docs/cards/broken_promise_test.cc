// A promise that is destroyed without a value gives its waiter a std::future_error, which says
// nothing about the shutdown that caused it. (WP-38)
#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <future>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "step2_worker/channel.h"

namespace worker_pool {
namespace {

struct Request {
  std::promise<std::string> reply{};
};

// Sends a request that no worker receives.
std::future<std::string> send_one(Sender<Request>& requests) {
  Request request;
  std::future<std::string> reply = request.reply.get_future();
  EXPECT_EQ(requests.send(std::move(request)), SendStatus::kSent);
  return reply;
}

std::string error_of(std::future<std::string>& reply) {
  // Decided by now, because everything here runs on one thread. So the test cannot hang.
  if (reply.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return "no answer";
  try {
    return "no error, but " + reply.get();
  } catch (const std::future_error& error) {
    return error.code() == std::future_errc::broken_promise ? "broken promise" : error.what();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

TEST(Shutdown, ThatDropsARequestBreaksItsPromise) {
  auto [requests, workers] = make_channel<Request>(1);
  std::future<std::string> reply = send_one(requests);
  (void)requests.close_and_take_pending();
  EXPECT_EQ(error_of(reply), "broken promise");
}

TEST(Shutdown, ThatAnswersARequestTellsWhy) {
  auto [requests, workers] = make_channel<Request>(1);
  std::future<std::string> reply = send_one(requests);
  for (Request& request : requests.close_and_take_pending()) {
    request.reply.set_exception(
        std::make_exception_ptr(std::runtime_error("not started: the service shuts down")));
  }
  EXPECT_EQ(error_of(reply), "not started: the service shuts down");
}

}  // namespace
}  // namespace worker_pool
