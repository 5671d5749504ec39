// RawClient: a client of the server without Broker. It does what another program could do, and
// reads what the server knows and Broker does not show.
#pragma once

#include <cstdint>
#include <string>

#include "broker/nats_handles.h"

namespace worker_pool {

// Every function throws BrokerError.
class RawClient {
 public:
  explicit RawClient(const std::string& url) {
    nats::check(natsConnection_ConnectTo(nats::Out(connection_), url.c_str()), url);
    nats::check(natsConnection_JetStream(nats::Out(jet_stream_), connection_.get(), nullptr),
                "JetStream");
  }

  // Stores a job without an id.
  void publish(const std::string& payload) {
    nats::check(js_Publish(nullptr, jet_stream_.get(), "jobs", payload.data(),
                           static_cast<int>(payload.size()), nullptr, nullptr),
                "publish");
  }

  // Stores a job with this id, which Broker::publish() may refuse.
  void publish(const std::string& payload, const std::string& id) {
    nats::Message message;
    nats::check(natsMsg_Create(nats::Out(message), "jobs", nullptr, payload.data(),
                               static_cast<int>(payload.size())),
                "message");
    nats::check(natsMsgHeader_Set(message.get(), "Nats-Msg-Id", id.c_str()), "message id");
    nats::check(js_PublishMsg(nullptr, jet_stream_.get(), message.get(), nullptr, nullptr),
                "publish");
  }

  void remove_table(const std::string& name) {
    nats::check(js_DeleteKeyValue(jet_stream_.get(), name.c_str()), "remove " + name);
  }

  // Removes the consumer from which all our processes fetch.
  void remove_consumer(const std::string& name) {
    nats::check(js_DeleteConsumer(jet_stream_.get(), "JOBS", name.c_str(), nullptr, nullptr),
                "remove " + name);
  }

  // How many fetches wait at the server now.
  std::int64_t waiting_fetches() {
    nats::Consumers consumers;
    const natsStatus status =
        js_Consumers(nats::Out(consumers), jet_stream_.get(), "JOBS", nullptr, nullptr);
    if (status == NATS_NOT_FOUND) return 0;  // none has fetched yet
    nats::check(status, "consumers");
    return consumers->List[0]->NumWaiting;
  }

 private:
  nats::Connection connection_;
  nats::JetStream jet_stream_;
};

}  // namespace worker_pool
