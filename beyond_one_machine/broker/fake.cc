// Broker on a FakeServer.
#include "broker/fake.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <thread>
#include <utility>

namespace worker_pool {
namespace {

FakeServer* g_server = nullptr;

}  // namespace

struct Table::Store {
  std::string name;
  std::mutex mutex{};  // guards `values`
  std::map<std::string, std::string> values{};

  void request(const std::string& what, const std::string& key, std::string_view value = {}) {
    const std::string space = value.empty() ? "" : " ";
    g_server->request(what + " " + name + "/" + key + space + std::string(value));
  }
};

struct Broker::Connection {
  Table::Store results{.name = "results"};
  Table::Store attempts{.name = "attempts"};
};

FakeServer::FakeServer() { g_server = this; }
FakeServer::~FakeServer() { g_server = nullptr; }

Delivery FakeServer::delivery(const std::string& id, std::uint64_t number) {
  return {.id = id, .number = number};
}

std::vector<std::string> FakeServer::answers() const {
  const std::lock_guard lock(mutex_);
  return answers_;
}

void FakeServer::answer(std::string_view what, const Delivery& delivery) {
  const std::string number =
      delivery.number == 1 ? "" : " (" + std::to_string(delivery.number) + ")";
  const std::lock_guard lock(mutex_);
  answers_.push_back(std::string(what) + " " + delivery.id + number);
}

void FakeServer::request(const std::string& what) const {
  if (on_request) on_request(what);
}

bool Delivery::done() const {
  if (g_server->sends_done) g_server->answer("done", *this);
  return g_server->sends_done;
}

bool Delivery::again(std::chrono::milliseconds delay) const {
  const bool at_once = delay == std::chrono::milliseconds(0);
  g_server->answer(at_once ? "again" : "again after " + std::to_string(delay.count()) + " ms",
                   *this);
  return true;
}

bool Delivery::extend() const {
  if (g_server->on_extend) g_server->on_extend();
  return true;
}

std::optional<std::string> Table::get(const std::string& key) const {
  store_->request("get", key);
  const std::lock_guard lock(store_->mutex);
  const auto found = store_->values.find(key);
  return found == store_->values.end() ? std::nullopt : std::optional(found->second);
}

void Table::put(const std::string& key, std::string_view value) const {
  store_->request("put", key, value);
  const std::lock_guard lock(store_->mutex);
  store_->values.insert_or_assign(key, std::string(value));
}

bool Table::create(const std::string& key, std::string_view value) const {
  store_->request("create", key, value);
  const std::lock_guard lock(store_->mutex);
  return store_->values.try_emplace(key, value).second;
}

Broker::Broker(const Options& options)
    : options_(options), connection_(std::make_shared<Connection>()) {}

Broker::~Broker() = default;

std::vector<Delivery> Broker::fetch(std::size_t, std::chrono::milliseconds wait) {
  std::vector<Delivery> jobs;
  if (g_server->on_fetch) jobs = g_server->on_fetch();
  if (jobs.empty()) std::this_thread::sleep_for(wait);
  return jobs;
}

std::vector<Delivery> Broker::stop_fetching() {
  if (!g_server->on_stop_fetching) return {};
  return g_server->on_stop_fetching();
}

void Broker::bury(const std::string& id, std::span<const std::byte>, const std::string&) const {
  g_server->request("bury " + id);
}

bool Broker::flush(std::chrono::milliseconds) const {
  if (g_server->on_flush) g_server->on_flush();
  return true;
}

Table Broker::results() const { return Table({connection_, &connection_->results}); }
Table Broker::attempts() const { return Table({connection_, &connection_->attempts}); }

}  // namespace worker_pool
