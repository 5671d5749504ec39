// FakeServer: what a Broker talks to in a program that is linked with //broker:fake. A test decides
// when it replies, and sees what it was told.
//
//   FakeServer server;                                        // before the Broker
//   server.on_request = [&](const std::string& request) { ... };
//   const auto broker = std::make_shared<Broker>(Broker::Options{});
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.h"

namespace worker_pool {

// One at a time. It outlives every call of a Broker and of a Delivery. Set the members before other
// threads use it; each function runs on the thread that calls the Broker or the Delivery.
class FakeServer {
 public:
  FakeServer();
  FakeServer(FakeServer&&) = delete;
  ~FakeServer();

  // Called before the reply to a request: "put attempts/job-1 3 open", "get results/job-1", "create
  // results/job-1 x", "bury job-1". What it throws leaves the request, which has no effect then.
  std::function<void(const std::string& request)> on_request{};
  std::function<void()> on_extend{};  // the consumer's JobsInHand is locked: do not use it
  std::function<void()> on_flush{};
  bool sends_done = true;  // what Delivery::done() returns
  // What fetch() and stop_fetching() return. Without them, no job.
  std::function<std::vector<Delivery>()> on_fetch{};
  std::function<std::vector<Delivery>()> on_stop_fetching{};

  Delivery delivery(const std::string& id, std::uint64_t number);

  // What it was told of the jobs, in this order: "done job-1", "again job-1", "again after 1000 ms
  // job-1". With the number of the delivery if it is not the first one: "again job-1 (2)".
  std::vector<std::string> answers() const;
  void answer(std::string_view what, const Delivery& delivery);
  void request(const std::string& what) const;

 private:
  mutable std::mutex mutex_;  // guards answers_
  std::vector<std::string> answers_;
};

}  // namespace worker_pool
