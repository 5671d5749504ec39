// Broker on NATS JetStream.
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
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "broker/broker.h"
#include "broker/nats_handles.h"

namespace worker_pool {

using nats::check;
using nats::Out;

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

// Keeps its connection, because an abandoned job may be done after the Broker was destroyed.
struct Broker::Subscription {
  std::shared_ptr<Connection> connection;
  nats::Subscription subscription;
};

// Keeps its subscription: natsMsg has a plain pointer to it.
struct Delivery::Message {
  std::shared_ptr<void> subscription;
  nats::Message message;
};

namespace {

constexpr std::int64_t kSendMs = 1'000;
constexpr std::int64_t kReplyMs = 2'000;
constexpr std::int64_t kNanosecondsPerMs = 1'000'000;
constexpr std::chrono::milliseconds kBatchWait{10};
constexpr std::chrono::seconds kMaxKeep = std::chrono::years(10);
constexpr const char* kIdHeader = "Nats-Msg-Id";   // the server drops a second one within 2 minutes
constexpr const char* kBuriedIdHeader = "Job-Id";  // no burial may be dropped
constexpr const char* kReasonHeader = "Reason";
constexpr std::size_t kReasonSize = 1'024;
// Headers count as payload. These are an id, a reason and their names.
constexpr std::int64_t kHeadersSize = 2'048;

// Throws std::invalid_argument if the value is out of its bounds.
template <std::integral Number>
void check_bounds(const std::string& what, Number value, Number min, Number max) {
  if (min <= value && value <= max) return;
  throw std::invalid_argument("Broker: " + what + " is " + std::to_string(value) +
                              ", allowed are " + std::to_string(min) + " to " +
                              std::to_string(max));
}

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

void store(jsCtx* jet_stream, natsMsg* message, const std::string& id) {
  jsErrCode code{};
  check(js_PublishMsg(nullptr, jet_stream, message, nullptr, &code), "store " + id);
}

std::uint64_t count_messages(jsCtx* jet_stream, const char* stream) {
  nats::StreamInfo info;
  jsErrCode code{};
  check(js_GetStreamInfo(Out(info), jet_stream, stream, nullptr, &code),
        std::string("stream ") + stream);
  return info->State.Msgs;
}

std::vector<std::byte> payload_of(natsMsg* message) {
  const auto* const data = reinterpret_cast<const std::byte*>(natsMsg_GetData(message));
  return {data, data + natsMsg_GetDataLength(message)};
}

// A message without a usable id, from another producer, is named after its place in the stream. No
// job has such a name, because an id has no dot.
std::string id_of(natsMsg* message, std::uint64_t sequence) {
  const char* id = nullptr;
  if (natsMsgHeader_Get(message, kIdHeader, &id) == NATS_OK && Broker::is_valid_id(id)) return id;
  return "message." + std::to_string(sequence);
}

Delivery delivery(nats::Message message, std::shared_ptr<void> subscription) {
  nats::MetaData data;
  check(natsMsg_GetMetaData(Out(data), message.get()), "metadata of a message");
  Delivery delivery;
  delivery.id = id_of(message.get(), data->Sequence.Stream);
  delivery.payload = payload_of(message.get());
  delivery.number = data->NumDelivered;
  delivery.message =
      std::make_shared<Delivery::Message>(std::move(subscription), std::move(message));
  return delivery;
}

// Fetches into `deliveries`. Skips a message that is malformed.
natsStatus fetch_into(std::vector<Delivery>& deliveries, natsSubscription* subscription,
                      const std::shared_ptr<void>& owner, std::size_t max,
                      std::chrono::milliseconds wait) {
  natsMsgList list{};
  jsErrCode code{};
  const natsStatus status = natsSubscription_Fetch(&list, subscription, static_cast<int>(max),
                                                   std::max<std::int64_t>(wait.count(), 1), &code);
  const std::unique_ptr<natsMsgList, nats::Destroy<natsMsgList_Destroy>> owned(&list);
  deliveries.reserve(deliveries.size() + static_cast<std::size_t>(list.Count));
  for (int i = 0; i < list.Count; ++i) {
    try {
      deliveries.push_back(delivery(nats::Message(std::exchange(list.Msgs[i], nullptr)), owner));
    } catch (const BrokerError&) {  // malformed
    }
  }
  return status;
}

// A request that is made while the server is down would wait for it, and block its worker.
void check_connected(natsConnection* connection, const std::string& what) {
  if (natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED) return;
  throw BrokerError(what + ": the server is down");
}

// Throws std::invalid_argument if the stream's consumer has another ack wait.
void check_ack_wait(jsCtx* jet_stream, std::chrono::milliseconds ack_wait) {
  nats::Consumers consumers;
  jsErrCode code{};
  check(js_Consumers(Out(consumers), jet_stream, "JOBS", nullptr, &code), "consumers");
  for (int i = 0; i < consumers->Count; ++i) {
    const std::int64_t theirs = consumers->List[i]->Config->AckWait / kNanosecondsPerMs;
    if (theirs == ack_wait.count()) continue;
    throw std::invalid_argument("the ack wait is " + std::to_string(ack_wait.count()) +
                                " ms here, and " + std::to_string(theirs) +
                                " ms in the server's consumer " + consumers->List[i]->Name);
  }
}

}  // namespace

bool Delivery::done() const { return natsMsg_Ack(message->message.get(), nullptr) == NATS_OK; }

bool Delivery::again(std::chrono::milliseconds delay) const {
  natsMsg* const raw = message->message.get();
  if (delay.count() <= 0) return natsMsg_Nak(raw, nullptr) == NATS_OK;
  return natsMsg_NakWithDelay(raw, delay.count(), nullptr) == NATS_OK;
}

bool Delivery::extend() const {
  return natsMsg_InProgress(message->message.get(), nullptr) == NATS_OK;
}

std::optional<std::string> Table::get(const std::string& key) const {
  check_connected(store_->connection, "get " + key);
  nats::Entry entry;
  const natsStatus status = kvStore_Get(Out(entry), store_->store.get(), key.c_str());
  if (status == NATS_NOT_FOUND) return std::nullopt;
  check(status, "get " + key);
  return std::string(static_cast<const char*>(kvEntry_Value(entry.get())),
                     static_cast<std::size_t>(kvEntry_ValueLen(entry.get())));
}

void Table::put(const std::string& key, std::string_view value) const {
  check_connected(store_->connection, "put " + key);
  check(kvStore_Put(nullptr, store_->store.get(), key.c_str(), value.data(),
                    length(value.size(), "put " + key)),
        "put " + key);
}

bool Table::create(const std::string& key, std::string_view value) const {
  check_connected(store_->connection, "create " + key);
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
  check_bounds<std::int64_t>("ack_wait in ms", options.ack_wait.count(), 1, kMaxAckWait.count());
  check_bounds<std::int64_t>("keep in seconds", options.keep.count(), 1, kMaxKeep.count());
  nats::Options settings;
  check(natsOptions_Create(Out(settings)), "options");
  check(natsOptions_SetURL(settings.get(), options.url.c_str()), options.url);
  check(natsOptions_SetMaxReconnect(settings.get(), -1), "options");  // forever
  check(natsOptions_SetReconnectWait(settings.get(), 50), "options");
  check(natsOptions_SetReconnectJitter(settings.get(), 20, 20), "options");
  // Otherwise, a server that hangs and no longer reads blocks every sender without a limit.
  check(natsOptions_SetWriteDeadline(settings.get(), kSendMs), "options");
  // Otherwise, a request that the lost connection had sent blocks its worker for kReplyMs.
  check(natsOptions_SetFailRequestsOnDisconnect(settings.get(), true), "options");
  check(natsConnection_Connect(Out(connection_->connection), settings.get()), options.url);

  natsConnection* const raw = connection_->connection.get();
  connection_->max_payload = static_cast<std::size_t>(
      std::max<std::int64_t>(natsConnection_GetMaxPayload(raw) - kHeadersSize, 0));

  jsOptions js_options;
  check(jsOptions_Init(&js_options), "JetStream options");
  js_options.Wait = kReplyMs;
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

void Broker::publish(const std::string& id, std::span<const std::byte> payload) const {
  if (!is_valid_id(id)) {
    throw std::invalid_argument("Broker::publish: id \"" + id +
                                "\": allowed are 1 to 200 letters, digits, '-', '_', '=' and '/'");
  }
  if (payload.size() > connection_->max_payload) {
    throw std::invalid_argument("Broker::publish: job " + id + " has " +
                                std::to_string(payload.size()) + " bytes, allowed are " +
                                std::to_string(connection_->max_payload));
  }
  store(connection_->jet_stream.get(), new_message("jobs", kIdHeader, id, payload).get(), id);
}

void Broker::bury(const std::string& id, std::span<const std::byte> payload,
                  const std::string& why) const {
  const nats::Message message = new_message("dead", kBuriedIdHeader, id, payload);
  check(natsMsgHeader_Set(message.get(), kReasonHeader, why.substr(0, kReasonSize).c_str()),
        "reason");
  store(connection_->jet_stream.get(), message.get(), id);
}

// The server would let each process change the ack wait of a consumer without notice. So the ack
// wait is in the consumer's name: a work-queue stream has one consumer, and the server refuses a
// second.
void Broker::subscribe() {
  check_connected(connection_->connection.get(), "subscribe");
  jsCtx* const jet_stream = connection_->jet_stream.get();
  const std::string name = "pool-" + std::to_string(options_.ack_wait.count());
  jsConsumerConfig config;
  check(jsConsumerConfig_Init(&config), "consumer configuration");
  config.Durable = name.c_str();
  config.AckPolicy = js_AckExplicit;
  config.AckWait = std::chrono::nanoseconds(options_.ack_wait).count();
  config.MaxDeliver = -1;  // a job that is handed back counts as delivered: attempts.h counts
  config.MaxAckPending = 100'000;
  jsErrCode code{};
  const natsStatus added = js_AddConsumer(nullptr, jet_stream, "JOBS", &config, nullptr, &code);
  if (code == JSConsumerWQMultipleUnfilteredErr) check_ack_wait(jet_stream, options_.ack_wait);
  check(added, "create consumer");
  auto made = std::make_shared<Subscription>(connection_, nullptr);
  jsSubOptions options;
  check(jsSubOptions_Init(&options), "subscription options");
  options.Stream = "JOBS";
  options.Consumer = name.c_str();
  options.ManualAck = true;
  check(js_PullSubscribe(Out(made->subscription), jet_stream, "jobs", name.c_str(), nullptr,
                         &options, &code),
        "subscribe");
  subscription_ = std::move(made);
}

// Whether what waits in the client may have been there for so long that its ack wait is over, or
// will be before the job is extended. Another consumer may have the job then.
bool Broker::is_stale() const {
  return std::chrono::steady_clock::now() - fetched_ > options_.ack_wait / 3;
}

// The client library returns a batch when it is full, or when the server says that there is no
// more. The server does not say that if the job that arrived belongs to an earlier fetch, which has
// timed out. The job would wait until this fetch times out too, and nothing extends it. So a fetch
// of more than one job is short.
std::vector<Delivery> Broker::fetch(std::size_t max, std::chrono::milliseconds wait) {
  check_bounds<std::size_t>("max of fetch()", max, 1, kMaxFetch);
  if (subscription_ && is_stale()) subscription_ = nullptr;
  if (!subscription_) subscribe();
  natsSubscription* const raw = subscription_->subscription.get();
  std::vector<Delivery> deliveries;
  natsStatus status = fetch_into(deliveries, raw, subscription_, max, std::min(wait, kBatchWait));
  if (status == NATS_TIMEOUT && wait > kBatchWait) {
    status = fetch_into(deliveries, raw, subscription_, 1, wait - kBatchWait);
  }
  fetched_ = std::chrono::steady_clock::now();
  if (deliveries.empty() && status != NATS_TIMEOUT) check(status, "fetch");
  return deliveries;
}

// What the server has sent before it processed the unsubscription arrives before the reply to the
// flush.
std::vector<Delivery> Broker::stop_fetching() {
  std::vector<Delivery> late;
  if (!subscription_) return late;
  natsSubscription* const raw = subscription_->subscription.get();
  natsSubscription_Drain(raw);
  flush(std::chrono::milliseconds(kReplyMs));
  if (is_stale()) return late;
  int count = 0;
  if (natsSubscription_GetPending(raw, &count, nullptr) == NATS_OK && count > 0) {
    fetch_into(late, raw, subscription_, static_cast<std::size_t>(count), kBatchWait);
  }
  return late;
}

bool Broker::flush(std::chrono::milliseconds timeout) const {
  return natsConnection_FlushTimeout(connection_->connection.get(), timeout.count()) == NATS_OK;
}

// A table keeps the connection.
Table Broker::results() const { return Table({connection_, &connection_->results}); }
Table Broker::attempts() const { return Table({connection_, &connection_->attempts}); }

Broker::Depth Broker::depth() const {
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
