// Broker: everything that the consumer and the producer need of a broker, in terms of jobs.
//
//   Broker broker({.url = "nats://127.0.0.1:4222"});
//   broker.publish("job-1", payload);                        // stored when it returns
//   for (Delivery& job : broker.fetch(10, 200ms)) {
//     if (do_it(job.id, job.payload)) job.done();            // else it is delivered again
//   }
//
// nats.cc and nats_fetch.cc implement it for NATS JetStream. For another broker, replace these.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace worker_pool {

// The broker refused a request, or did not answer it. The request may have had its effect.
struct BrokerError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A job as the broker delivered it. The broker delivers it again unless it is told within the ack
// wait what became of it: done(), again() or extend().
//
// The three functions only queue a message for the broker and return false if they cannot: it may
// be lost with the connection, and then the job is delivered again. They block for at most a second
// and a half, if the server hangs or its machine cannot be reached. A hundred calls in a row block
// together for no longer than that: once a send has timed out, the client library stores what is
// sent until it has connected again. A Delivery outlives its Broker.
// Not thread-safe: one thread at a time.
struct Delivery {
  struct Message;

  std::string id{};
  std::vector<std::byte> payload{};
  std::uint64_t number = 1;  // 1: the first delivery of this job
  std::shared_ptr<Message> message{};

  bool done() const;                                  // the broker removes the job
  bool again(std::chrono::milliseconds delay) const;  // hands the job back
  bool extend() const;                                // the ack wait begins again
};

// Values by key, kept by the broker for Broker::Options::keep. Thread-safe. Every function blocks
// for a reply as a function of Broker does, and throws BrokerError without one. If the connection
// is lost, it throws within a second. create() may need four replies, and if the connection is lost
// meanwhile, it may throw four seconds later.
class Table {
 public:
  struct Store;
  explicit Table(std::shared_ptr<Store> store) : store_(std::move(store)) {}

  std::optional<std::string> get(const std::string& key) const;
  void put(const std::string& key, std::string_view value) const;
  // Returns false and changes nothing if the key has a value.
  bool create(const std::string& key, std::string_view value) const;

 private:
  std::shared_ptr<Store> store_;
};

// Thread-safe, except that one thread calls fetch() and stop_fetching(). A function that needs a
// reply from the server blocks for at most four seconds, and throws BrokerError without one: one to
// send its request, two for the reply, and one for the client library, which may try to reconnect.
// The comments name the functions that need more replies, each of which may take as long.
class Broker {
 public:
  static constexpr std::size_t kMaxFetch = 10'000;
  static constexpr std::chrono::milliseconds kMaxAckWait = std::chrono::hours(24);

  struct Options {
    std::string url{};
    // From 1 ms to kMaxAckWait, and the same in every program that fetches.
    std::chrono::milliseconds ack_wait = std::chrono::seconds(30);
    // How long the tables keep a value, from 1 s to 10 years. Only the Broker that creates the
    // tables sets it. A job that is delivered again later than that is done again.
    std::chrono::seconds keep = std::chrono::days(7);
  };

  struct Depth {
    std::uint64_t jobs = 0;    // accepted and not done: waiting, or with a consumer
    std::uint64_t buried = 0;  // in the dead-letter stream
  };

  // Connects, and creates the streams and tables that are missing, which needs several replies.
  // Throws BrokerError, and std::invalid_argument if an option is out of its bounds. If the
  // connection is lost later, it reconnects for as long as it exists.
  explicit Broker(const Options& options);
  Broker(Broker&&) = delete;
  ~Broker();

  // Returns true when the job is stored. Returns false, and stores nothing, if the id was published
  // within the last two minutes: even if that job has been done or buried since. So a second try
  // after an error is safe. Throws BrokerError, and std::invalid_argument if is_valid_id() is
  // false, or if the payload is so large that the job could not be buried: the server's max_payload
  // (by default 1 MiB) less 2 KiB.
  bool publish(const std::string& id, std::span<const std::byte> payload) const;

  // Blocks until there is a job, and returns up to `max` of them; none after `wait`. Waits for more
  // jobs for at most 10 ms. Throws std::invalid_argument if `max` is not from 1 to kMaxFetch, and
  // BrokerError, within a second if the connection is lost: pause before the next call.
  //
  // A call registers with the server if it is the first one, if the previous one failed or ended
  // longer ago than a third of the ack wait, or if the server has hung. It then drops the jobs that
  // have arrived meanwhile, because another consumer may have them. To register needs up to three
  // replies before the wait begins, and throws std::invalid_argument if other programs fetch with
  // another ack wait.
  std::vector<Delivery> fetch(std::size_t max, std::chrono::milliseconds wait);

  // Stops fetching for good, and returns the jobs that the broker sent after the last fetch() had
  // timed out: none if that is longer ago than a third of the ack wait, or if the server has hung
  // since. No other consumer gets these until the ack wait is over. Blocks for up to four seconds
  // if the server does not answer. Throws no BrokerError: it returns the jobs that have arrived.
  std::vector<Delivery> stop_fetching();

  // Stores the job in the dead-letter stream, with its id and the first KiB of the reason. A second
  // call stores it a second time. Blocks for a reply, and throws BrokerError, also if the payload
  // is larger than publish() allows and the server refuses it.
  void bury(const std::string& id, std::span<const std::byte> payload,
            const std::string& why) const;

  // Blocks until the broker has received everything that was sent. False after `timeout`, to which
  // a server that hangs may add a second.
  bool flush(std::chrono::milliseconds timeout) const;

  Table results() const;   // of jobs that are done, by id
  Table attempts() const;  // see attempts.h
  Depth depth() const;     // needs two replies; throws within a second if the connection is lost
  std::uint64_t result_count() const;
  std::chrono::milliseconds ack_wait() const { return options_.ack_wait; }

  // An id is also a key of the tables: 1 to 200 letters, digits, '-', '_', '=' and '/'.
  static bool is_valid_id(std::string_view id);

 private:
  struct Connection;
  struct Subscription;
  void subscribe();
  bool is_stale() const;

  const Options options_;
  const std::shared_ptr<Connection> connection_;
  std::shared_ptr<Subscription> subscription_;
  std::chrono::steady_clock::time_point fetched_;  // when the last fetch() ended
  std::size_t asked_ = 0;                          // how many jobs it has asked for at most
};

}  // namespace worker_pool
