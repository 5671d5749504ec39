// The part of Broker on NATS JetStream that fetches jobs and answers them.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "broker/broker.h"
#include "broker/nats_connection.h"
#include "broker/nats_handles.h"

namespace worker_pool {

using nats::check;
using nats::Out;

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

constexpr std::int64_t kNanosecondsPerMs = 1'000'000;
constexpr std::chrono::milliseconds kBatchWait{10};

std::vector<std::byte> payload_of(natsMsg* message) {
  const auto* const data = reinterpret_cast<const std::byte*>(natsMsg_GetData(message));
  return {data, data + natsMsg_GetDataLength(message)};
}

// A message without a usable id, from another producer, is named after its place in the stream. No
// job has such a name, because an id has no dot.
std::string id_of(natsMsg* message, std::uint64_t sequence) {
  const char* id = nullptr;
  if (natsMsgHeader_Get(message, nats::kIdHeader, &id) == NATS_OK && Broker::is_valid_id(id))
    return id;
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

// The server would let each process change the ack wait of a consumer without notice. So the ack
// wait is in the consumer's name: a work-queue stream has one consumer, and the server refuses a
// second.
void Broker::subscribe() {
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
//
// A fetch that times out while the server hangs is not withdrawn: when the server goes on, it
// answers all of them at once. So no more may wait than the last fetch() has asked for. The
// server's notice that it has no more jobs counts too: it takes the place of at least one job.
bool Broker::is_stale() const {
  int count = 0;
  natsSubscription_GetPending(subscription_->subscription.get(), &count, nullptr);
  return static_cast<std::size_t>(count) > asked_ ||
         std::chrono::steady_clock::now() - fetched_ > options_.ack_wait / 3;
}

// The client library returns a batch when it is full, or when the server says that there is no
// more. The server does not say that if the job that arrived belongs to an earlier fetch, which has
// timed out. The job would wait until this fetch times out too, and nothing extends it. So a fetch
// of more than one job is short.
std::vector<Delivery> Broker::fetch(std::size_t max, std::chrono::milliseconds wait) {
  nats::check_bounds<std::size_t>("max of fetch()", max, 1, kMaxFetch);
  // The client library keeps a request that is made while the server is down, and sends it later.
  nats::check_connected(connection_->connection.get(), "fetch");
  if (subscription_ && is_stale()) subscription_ = nullptr;
  if (!subscription_) subscribe();
  natsSubscription* const raw = subscription_->subscription.get();
  std::vector<Delivery> deliveries;
  natsStatus status = fetch_into(deliveries, raw, subscription_, max, std::min(wait, kBatchWait));
  if (status == NATS_TIMEOUT && wait > kBatchWait) {
    status = fetch_into(deliveries, raw, subscription_, 1, wait - kBatchWait);
  }
  fetched_ = std::chrono::steady_clock::now();
  asked_ = max + 1;
  if (!deliveries.empty() || status == NATS_TIMEOUT) return deliveries;
  subscription_ = nullptr;  // of a consumer that may have been removed from the server
  check(status, "fetch");
  return deliveries;
}

// What the server has sent before it processed the unsubscription arrives before the reply to the
// flush.
std::vector<Delivery> Broker::stop_fetching() {
  std::vector<Delivery> late;
  if (!subscription_) return late;
  natsSubscription* const raw = subscription_->subscription.get();
  natsSubscription_Drain(raw);
  flush(std::chrono::milliseconds(nats::kReplyMs));
  if (is_stale()) return late;
  int count = 0;
  if (natsSubscription_GetPending(raw, &count, nullptr) == NATS_OK && count > 0) {
    fetch_into(late, raw, subscription_, static_cast<std::size_t>(count), kBatchWait);
  }
  return late;
}

}  // namespace worker_pool
