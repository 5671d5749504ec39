// What nats.cc and nats_fetch.cc share.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "broker/broker.h"
#include "broker/nats_handles.h"

namespace worker_pool {

struct Table::Store {
  natsConnection* connection = nullptr;
  nats::Store store;
};

struct Broker::Connection {
  nats::Connection connection;
  std::size_t max_payload = 0;  // of a job
  nats::JetStream jet_stream;
  Table::Store results;
  Table::Store attempts;
};

namespace nats {

inline constexpr std::int64_t kReplyMs = 2'000;
// The server drops a second message with this value within two minutes.
inline constexpr const char* kIdHeader = "Nats-Msg-Id";

// Throws std::invalid_argument if the value is out of its bounds.
template <std::integral Number>
void check_bounds(const std::string& what, Number value, Number min, Number max) {
  if (min <= value && value <= max) return;
  throw std::invalid_argument("Broker: " + what + " is " + std::to_string(value) +
                              ", allowed are " + std::to_string(min) + " to " +
                              std::to_string(max));
}

// A request that is made while the server is down would wait for it, and block its worker.
inline void check_connected(natsConnection* connection, const std::string& what) {
  if (natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED) return;
  throw BrokerError(what + ": the server is down");
}

}  // namespace nats
}  // namespace worker_pool
