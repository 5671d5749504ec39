// Consumer: a WorkerPool that gets its jobs from a broker.
//
//   fetch -> submit, which blocks while the pool is full -> handler -> settle (settle.h)
//
//   const ShutdownSignals signals;
//   Consumer consumer(options, broker, handler, event);
//   const ShutdownReport report = consumer.run(signals.first(), signals.second());
//
// Guarantees, as long as the broker keeps its own:
//   1. Every job is done, buried, or delivered again: at least once, so the handler is idempotent.
//      It stores a result in Broker::results() under the job's id: a job that has one is not
//      started again. Without it, a job whose acknowledgments are lost counts as one that crashes.
//   2. A running job is not given to another consumer until its timeout and the cancel limit have
//      passed, or until run() has returned and abandoned it (ShutdownReport::still_running): its
//      ack wait is extended. If it fails later than that, it is left to the broker, unless it ended
//      its worker's thread (settle.h).
//   3. run() returns within the time that shutdown.h promises (its limits, 0.1 s and 5 ms for each
//      worker), plus 0.1 s for the last fetch, and 12 s if the broker does not answer. It hands
//      back every job that is not running then and that it still extends.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "broker/broker.h"
#include "consumer/settle.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

// Thread safety: one thread calls run(). Any thread may call counts() and in_hand() meanwhile.
//
// Lifetime: `handler` and `event` own what they use. An abandoned worker may call them late, even
// after the Consumer was destroyed.
class Consumer {
 public:
  // A job may wait in the client for a third of the ack wait, in a fetch for 0.1 s, and then for
  // another third until it is extended for the first time. With this minimum, that leaves 0.23 s
  // for the network, and for threads that the system runs late.
  static constexpr std::chrono::milliseconds kMinAckWait{1000};

  struct Options {
    WorkerPool::Options pool = {.workers = 3, .capacity = 3};  // one waiting job for each worker
    std::size_t batch = 3;                                     // of one fetch: 1 to kMaxFetch
    // More than 0. kForever: none, and a job that hangs keeps its worker until the shutdown. If a
    // suspect (README.md) is delivered then, the consumer waits for that job without a limit: it
    // fetches nothing, and keeps its suspects from other consumers. The same is true without a
    // cancel limit.
    Clock::duration job_timeout = std::chrono::minutes(5);
    // The cancel limit is also the time in which a job that is late may report that (in_hand.h).
    // With 0, most late jobs are left to the broker.
    ShutdownLimits limits{};
    Settle::Options settle{};
  };

  // Starts the workers. Throws as WorkerPool's and Settle's constructors do, and
  // std::invalid_argument also if `broker` is null, its ack wait is less than kMinAckWait, the
  // batch is not from 1 to Broker::kMaxFetch, or the job timeout is not more than 0. Sends the
  // broker nothing, so it throws no BrokerError.
  // Several threads call `handler` and `event` at the same time. What `event` throws is dropped.
  Consumer(const Options& options, std::shared_ptr<Broker> broker, JobHandler handler,
           JobEvent event);

  // Fetches until `stop` is requested, then shuts the pool down. `cancel_now` ends the drain. After
  // a BrokerError it pauses and fetches again, and prints the first of several in a row. Throws
  // std::logic_error if it is called a second time, and std::runtime_error after its shutdown if
  // its jobs have ended the threads of all workers: within a third of the ack wait, it sees that no
  // job would run any more.
  //
  // Any other exception leaves it without a shutdown: std::invalid_argument if other programs
  // fetch with another ack wait, std::bad_alloc, or std::system_error without a thread for
  // extending jobs. It abandons its jobs then, and the destructor waits for them without a limit:
  // end the process, and the broker delivers them again.
  ShutdownReport run(std::stop_token stop, std::stop_token cancel_now);

  const ConsumerCounts& counts() const { return settle_->counts(); }
  std::size_t in_hand() const { return settle_->in_hand().size(); }

 private:
  struct Batch {
    std::vector<Job> jobs{};
    std::vector<Job> suspects{};  // whose last start has no result: they run alone
    std::optional<BrokerError> error{};
  };

  void fetch_until(std::stop_token stop);
  Batch take_in_hand(std::vector<Delivery> deliveries, const std::stop_token& stop);
  void ask(Batch& batch, Job& job);
  void submit(std::vector<Job> jobs);
  void run_alone(std::vector<Job> suspects, const std::stop_token& stop);
  Clock::time_point limit_of_a_job() const;  // whose time begins now
  bool has_workers() const;
  void hand_back_late_messages();

  const Options options_;
  const std::shared_ptr<Broker> broker_;
  const std::shared_ptr<Settle> settle_;
  WorkerPool pool_;
  bool has_run_ = false;
};

}  // namespace worker_pool
