#include "consumer/consumer.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "step1_job/context.h"
#include "step2_worker/channel.h"

namespace worker_pool {
namespace {

// A stop request does not end a fetch, so it may delay the shutdown by this time.
constexpr std::chrono::milliseconds kFetchWait{100};
constexpr std::chrono::milliseconds kPauseAfterError{50};

const Consumer::Options& checked(const Consumer::Options& options, const Broker* broker) {
  if (!broker) throw std::invalid_argument("Consumer: the broker is null");
  if (broker->ack_wait() < Consumer::kMinAckWait) {
    throw std::invalid_argument(
        "Consumer: ack_wait is " + std::to_string(broker->ack_wait().count()) +
        " ms, it must be at least " + std::to_string(Consumer::kMinAckWait.count()) + " ms");
  }
  if (options.batch == 0 || options.batch > Broker::kMaxFetch) {
    throw std::invalid_argument("Consumer: batch is " + std::to_string(options.batch) +
                                ", allowed are 1 to " + std::to_string(Broker::kMaxFetch));
  }
  if (options.job_timeout <= Clock::duration::zero()) {
    const std::chrono::nanoseconds timeout = options.job_timeout;
    throw std::invalid_argument("Consumer: job_timeout is " + std::to_string(timeout.count()) +
                                " ns, it must be at least 1 ns");
  }
  return options;
}

// Unlike Context::sleep_for(), it needs no memory once it exists. std::bad_alloc would leave its
// thread and end the process. (WP-04)
class Pause {
 public:
  // Blocks for `duration` or until a stop is requested. Returns false if it is.
  bool wait(Clock::duration duration, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    never_notified_.wait_for(lock, stop, duration, [] { return false; });
    return !stop.stop_requested();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any never_notified_;
};

// Abandons the jobs in hand when run() is left, also by an exception: they are no longer extended,
// so another consumer may be running them by the time they end (settle.h).
class AbandonAtExit {
 public:
  explicit AbandonAtExit(JobsInHand& jobs) : jobs_(jobs) {}
  AbandonAtExit(AbandonAtExit&&) = delete;
  ~AbandonAtExit() { jobs_.end_limits(); }

 private:
  JobsInHand& jobs_;
};

}  // namespace

Consumer::Consumer(const Options& options, std::shared_ptr<Broker> broker, JobHandler handler,
                   JobEvent event)
    : options_(checked(options, broker.get())),
      broker_(std::move(broker)),
      settle_(std::make_shared<Settle>(options.settle, broker_, std::move(event))),
      pool_(options.pool, std::move(handler), settle_) {}

ShutdownReport Consumer::run(std::stop_token stop, std::stop_token cancel_now) {
  // The pool is closed: each job would be fetched and handed back, again and again.
  if (std::exchange(has_run_, true)) throw std::logic_error("Consumer: run() was called twice");
  const AbandonAtExit abandon(settle_->in_hand());
  std::stop_source end;
  const std::stop_callback forward(stop, [&end] { end.request_stop(); });
  // Extends the jobs also while the pool drains.
  Pause pause;
  const std::jthread extender([this, &pause, &end](const std::stop_token& done) {
    while (pause.wait(broker_->ack_wait() / 3, done)) {
      settle_->in_hand().extend();
      if (!has_workers()) end.request_stop();
    }
  });
  {
    const std::stop_callback close(end.get_token(), [this] { pool_.close(); });
    fetch_until(end.get_token());
  }
  hand_back_late_messages();
  ShutdownReport report = pool_.shutdown(options_.limits, std::move(cancel_now));
  for (const Job& job : report.not_started) settle_->hand_back(job.id);
  // The jobs in report.still_running are left alone: the broker delivers them again.
  broker_->flush(std::chrono::seconds(1));
  if (!has_workers()) {
    throw std::runtime_error("Consumer: its jobs have ended the threads of all its workers");
  }
  return report;
}

// The pool replaces no worker whose thread was ended by a job (worker_pool.h).
bool Consumer::has_workers() const {
  return settle_->counts().ended_threads < static_cast<std::uint64_t>(options_.pool.workers);
}

void Consumer::fetch_until(std::stop_token stop) {
  const Context ctx(stop);
  bool fetched = true;
  while (!stop.stop_requested()) {
    try {
      Batch batch = take_in_hand(broker_->fetch(options_.batch, kFetchWait), stop);
      if (!batch.error) fetched = true;
      submit(std::move(batch.jobs));
      run_alone(std::move(batch.suspects), stop);
      if (batch.error) throw *batch.error;
    } catch (const BrokerError& error) {
      if (std::exchange(fetched, false)) std::cerr << "consumer: " << error.what() << std::endl;
      ctx.sleep_for(kPauseAfterError);  // while the server is down, a fetch fails at once
    }
  }
}

// All of the batch, before a question or submit() blocks: a job that waits for that has to be
// extended too. After one question that the broker did not answer, which takes seconds, it asks no
// more. It hands the rest back with a pause, because at once the broker would deliver the same jobs
// again.
Consumer::Batch Consumer::take_in_hand(std::vector<Delivery> deliveries,
                                       const std::stop_token& stop) {
  Batch batch;
  std::vector<Job> redelivered;
  for (Delivery& delivery : deliveries) {
    const bool is_new = delivery.number == 1;
    if (!is_new) ++settle_->counts().redelivered;
    Job job{.id = delivery.id,
            .payload = std::move(delivery.payload),
            .ctx = Context().with_timeout(options_.job_timeout)};
    JobInHand in_hand = {.delivery = std::move(delivery), .extend_until = limit_of_a_job()};
    if (!settle_->in_hand().add(std::move(in_hand))) continue;  // it has another delivery of it
    (is_new ? batch.jobs : redelivered).push_back(std::move(job));
  }
  for (Job& job : redelivered) {
    if (stop.stop_requested()) {
      settle_->hand_back(job.id);
      continue;
    }
    try {
      if (!batch.error) ask(batch, job);
    } catch (const BrokerError& error) {
      batch.error = error;
    }
    if (batch.error) settle_->hand_back_later(job.id);
  }
  return batch;
}

// Moves the job into the batch, unless the answers say that it must not start.
void Consumer::ask(Batch& batch, Job& job) {
  JobsInHand& in_hand = settle_->in_hand();
  if (settle_->has_result(job.id)) return settle_->done_before(job.id);
  const Attempts attempts = settle_->attempts(job.id);
  if (settle_->is_hopeless(attempts)) {
    return settle_->bury(job, "started too often without a result");
  }
  in_hand.set_attempts(job.id, attempts);
  if (!attempts.open) return batch.jobs.push_back(std::move(job));
  in_hand.set_limit(job.id, Clock::time_point::max());  // until it is submitted
  batch.suspects.push_back(std::move(job));
}

void Consumer::submit(std::vector<Job> jobs) {
  for (Job& job : jobs) {
    const std::string id = job.id;
    if (pool_.submit(std::move(job)) != SendStatus::kSent) settle_->hand_back(id);
  }
}

// A job that crashes its process ends the jobs beside it too, and their starts count. So a suspect
// starts when all other jobs are done, and the next fetch waits for it. Its time begins when it is
// submitted. A job may ignore its context, so none is waited for after its own time, which has no
// end if the timeout or the cancel limit has none.
void Consumer::run_alone(std::vector<Job> suspects, const std::stop_token& stop) {
  std::size_t waiting = suspects.size();
  for (Job& suspect : suspects) {
    settle_->in_hand().wait_for_size(waiting, stop);
    const std::string id = suspect.id;
    suspect.ctx = Context().with_timeout(options_.job_timeout);
    settle_->in_hand().set_limit(id, limit_of_a_job());
    if (stop.stop_requested() || pool_.submit(std::move(suspect)) != SendStatus::kSent) {
      settle_->hand_back(id);
    }
    --waiting;
    settle_->in_hand().wait_for_size(waiting, stop);
  }
}

Clock::time_point Consumer::limit_of_a_job() const {
  return deadline_after(time_in_hand(options_.job_timeout, options_.limits.cancel));
}

// A late message of a job in hand is left to the broker. Handed back, it would start the job on
// another consumer while this one runs it, or once more after this one has handed it back. That may
// happen while stop_fetching() blocks, so the ids are from before the call. If the first delivery
// was answered before the call, but after the second one had arrived, the second is handed back.
void Consumer::hand_back_late_messages() {
  const auto were_in_hand = settle_->in_hand().ids();
  for (const Delivery& late : broker_->stop_fetching()) {
    if (!were_in_hand.contains(late.id)) settle_->hand_back(late);
  }
}

}  // namespace worker_pool
