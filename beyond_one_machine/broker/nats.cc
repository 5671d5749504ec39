// Broker on NATS JetStream. What fetches and answers jobs is in nats_fetch.cc.
//
//   JOBS      a work-queue stream: a job is removed when a consumer acknowledges it
//   pool-N    its one durable pull consumer, with an ack wait of N ms, from which all our processes
//             fetch
//   DEAD      the dead-letter stream
//   results   a key-value bucket: what each job has produced, by the job's id
//   attempts  a key-value bucket: how often a job was started, for the jobs that were not done at
//             the first start
#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "broker/broker.h"
#include "broker/nats_connection.h"
#include "broker/nats_handles.h"

namespace worker_pool {

using nats::check;
using nats::Out;

namespace {

constexpr std::int64_t kSendMs = 1'000;
constexpr std::int64_t kConnectMs = 500;
constexpr int kConnectTries = 4;  // a busy server may need more than one
constexpr std::chrono::seconds kMaxKeep = std::chrono::years(10);
constexpr const char* kBuriedIdHeader = "Job-Id";  // no burial may be dropped
constexpr const char* kReasonHeader = "Reason";
constexpr std::size_t kReasonSize = 1'024;
// Headers count as payload. These are an id, a reason and their names.
constexpr std::int64_t kHeadersSize = 2'048;

int length(std::size_t size, const std::string& what) {
  if (std::in_range<int>(size)) return static_cast<int>(size);
  throw BrokerError(what + ": " + std::to_string(size) + " bytes are too many");
}

bool stream_exists(jsCtx* jet_stream, const char* name) {
  nats::StreamInfo info;
  jsErrCode code{};
  const natsStatus status = js_GetStreamInfo(Out(info), jet_stream, name, nullptr, &code);
  if (status == NATS_NOT_FOUND) return false;
  check(status, std::string("stream ") + name);
  return true;
}

void create_stream(jsCtx* jet_stream, const char* name, const char* subject,
                   jsRetentionPolicy retention) {
  if (stream_exists(jet_stream, name)) return;
  jsStreamConfig config;
  check(jsStreamConfig_Init(&config), "stream configuration");
  config.Name = name;
  config.Subjects = &subject;
  config.SubjectsLen = 1;
  config.Retention = retention;
  jsErrCode code{};
  const natsStatus status = js_AddStream(nullptr, jet_stream, &config, nullptr, &code);
  if (code == JSStreamNameExistErr) return;  // another process was faster
  check(status, std::string("create stream ") + name);
}

nats::Store open_bucket(jsCtx* jet_stream, const char* name, std::chrono::seconds keep) {
  nats::Store store;
  if (js_KeyValue(Out(store), jet_stream, name) == NATS_OK) return store;
  kvConfig config;
  check(kvConfig_Init(&config), "bucket configuration");
  config.Bucket = name;
  config.History = 1;
  config.TTL = std::chrono::nanoseconds(keep).count();
  if (js_CreateKeyValue(Out(store), jet_stream, &config) == NATS_OK) return store;
  check(js_KeyValue(Out(store), jet_stream, name), std::string("bucket ") + name);
  return store;
}

nats::Message new_message(const char* subject, const char* id_header, const std::string& id,
                          std::span<const std::byte> payload) {
  nats::Message message;
  check(natsMsg_Create(Out(message), subject, nullptr,
                       reinterpret_cast<const char*>(payload.data()), length(payload.size(), id)),
        "message");
  check(natsMsgHeader_Set(message.get(), id_header, id.c_str()), "message id");
  return message;
}

// Returns false if the server has dropped the message, because it knows the id.
bool store(jsCtx* jet_stream, natsMsg* message, const std::string& id) {
  nats::PubAck ack;
  jsErrCode code{};
  check(js_PublishMsg(Out(ack), jet_stream, message, nullptr, &code), "store " + id);
  return !ack->Duplicate;
}

std::uint64_t count_messages(jsCtx* jet_stream, const char* stream) {
  nats::StreamInfo info;
  jsErrCode code{};
  check(js_GetStreamInfo(Out(info), jet_stream, stream, nullptr, &code),
        std::string("stream ") + stream);
  return info->State.Msgs;
}

}  // namespace

std::optional<std::string> Table::get(const std::string& key) const {
  nats::check_connected(store_->connection, "get " + key);
  nats::Entry entry;
  const natsStatus status = kvStore_Get(Out(entry), store_->store.get(), key.c_str());
  if (status == NATS_NOT_FOUND) return std::nullopt;
  check(status, "get " + key);
  return std::string(static_cast<const char*>(kvEntry_Value(entry.get())),
                     static_cast<std::size_t>(kvEntry_ValueLen(entry.get())));
}

void Table::put(const std::string& key, std::string_view value) const {
  nats::check_connected(store_->connection, "put " + key);
  check(kvStore_Put(nullptr, store_->store.get(), key.c_str(), value.data(),
                    length(value.size(), "put " + key)),
        "put " + key);
}

bool Table::create(const std::string& key, std::string_view value) const {
  nats::check_connected(store_->connection, "create " + key);
  const natsStatus status = kvStore_Create(nullptr, store_->store.get(), key.c_str(), value.data(),
                                           length(value.size(), "create " + key));
  if (status == NATS_OK) return true;
  // Versions of the client differ in what they return if the key exists.
  if (get(key)) return false;
  check(status, "create " + key);
  return false;
}

Broker::Broker(const Options& options)
    : options_(options), connection_(std::make_shared<Connection>()) {
  nats::check_bounds<std::int64_t>("ack_wait in ms", options.ack_wait.count(), 1,
                                   kMaxAckWait.count());
  nats::check_bounds<std::int64_t>("keep in seconds", options.keep.count(), 1, kMaxKeep.count());
  nats::Options settings;
  check(natsOptions_Create(Out(settings)), "options");
  check(natsOptions_SetURL(settings.get(), options.url.c_str()), options.url);
  check(natsOptions_SetMaxReconnect(settings.get(), -1), "options");  // forever
  check(natsOptions_SetReconnectWait(settings.get(), 50), "options");
  check(natsOptions_SetReconnectJitter(settings.get(), 20, 20), "options");
  // The client library tries to reconnect under a lock that every call needs.
  check(natsOptions_SetTimeout(settings.get(), kConnectMs), "options");
  // Otherwise, a server that hangs and no longer reads blocks every sender without a limit.
  check(natsOptions_SetWriteDeadline(settings.get(), kSendMs), "options");
  // Otherwise, a request that the lost connection had sent blocks its worker for nats::kReplyMs.
  check(natsOptions_SetFailRequestsOnDisconnect(settings.get(), true), "options");
  natsStatus connected = NATS_TIMEOUT;
  for (int i = 0; connected == NATS_TIMEOUT && i < kConnectTries; ++i) {
    connected = natsConnection_Connect(Out(connection_->connection), settings.get());
  }
  check(connected, options.url);

  natsConnection* const raw = connection_->connection.get();
  connection_->max_payload = static_cast<std::size_t>(
      std::max<std::int64_t>(natsConnection_GetMaxPayload(raw) - kHeadersSize, 0));

  jsOptions js_options;
  check(jsOptions_Init(&js_options), "JetStream options");
  js_options.Wait = nats::kReplyMs;
  check(natsConnection_JetStream(Out(connection_->jet_stream), raw, &js_options), "JetStream");
  jsCtx* const jet_stream = connection_->jet_stream.get();
  create_stream(jet_stream, "JOBS", "jobs", js_WorkQueuePolicy);
  create_stream(jet_stream, "DEAD", "dead", js_LimitsPolicy);
  connection_->results = {.connection = raw,
                          .store = open_bucket(jet_stream, "results", options.keep)};
  connection_->attempts = {.connection = raw,
                           .store = open_bucket(jet_stream, "attempts", options.keep)};
}

Broker::~Broker() = default;

bool Broker::publish(const std::string& id, std::span<const std::byte> payload) const {
  if (!is_valid_id(id)) {
    throw std::invalid_argument("Broker::publish: id \"" + id +
                                "\": allowed are 1 to 200 letters, digits, '-', '_', '=' and '/'");
  }
  if (payload.size() > connection_->max_payload) {
    throw std::invalid_argument("Broker::publish: job " + id + " has " +
                                std::to_string(payload.size()) + " bytes, allowed are " +
                                std::to_string(connection_->max_payload));
  }
  const nats::Message message = new_message("jobs", nats::kIdHeader, id, payload);
  return store(connection_->jet_stream.get(), message.get(), id);
}

void Broker::bury(const std::string& id, std::span<const std::byte> payload,
                  const std::string& why) const {
  const nats::Message message = new_message("dead", kBuriedIdHeader, id, payload);
  check(natsMsgHeader_Set(message.get(), kReasonHeader, why.substr(0, kReasonSize).c_str()),
        "reason");
  store(connection_->jet_stream.get(), message.get(), id);
}

bool Broker::flush(std::chrono::milliseconds timeout) const {
  return natsConnection_FlushTimeout(connection_->connection.get(), timeout.count()) == NATS_OK;
}

// A table keeps the connection.
Table Broker::results() const { return Table({connection_, &connection_->results}); }
Table Broker::attempts() const { return Table({connection_, &connection_->attempts}); }

Broker::Depth Broker::depth() const {
  nats::check_connected(connection_->connection.get(), "depth");
  jsCtx* const jet_stream = connection_->jet_stream.get();
  return {.jobs = count_messages(jet_stream, "JOBS"), .buried = count_messages(jet_stream, "DEAD")};
}

// A bucket is a stream with one message for each key.
std::uint64_t Broker::result_count() const {
  return count_messages(connection_->jet_stream.get(), "KV_results");
}

bool Broker::is_valid_id(std::string_view id) {
  return !id.empty() && id.size() <= 200 && std::ranges::all_of(id, [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("-_=/").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

}  // namespace worker_pool
