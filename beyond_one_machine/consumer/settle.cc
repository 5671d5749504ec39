#include "consumer/settle.h"

#include <utility>

#include "step1_job/forced_unwind.h"

namespace worker_pool {
namespace {

constexpr std::chrono::milliseconds kAtOnce{0};

bool caller_canceled(const JobResult& result) {
  return !result && result.error().kind == JobError::Kind::kCancelled;
}

// Of a job that was not started, no result is its own fault.
bool is_no_fault(const JobInHand& job, const JobResult& result) {
  return !job.started || result.error().kind == JobError::Kind::kShutDown;
}

}  // namespace

Settle::Settle(Options options, std::shared_ptr<Broker> broker, JobEvent event)
    : options_(options),
      broker_(std::move(broker)),
      attempts_(broker_->attempts()),
      results_(broker_->results()),
      event_(std::move(event)) {}

void Settle::job_started(int, const Job& job) {
  if (const auto earlier = in_hand_.start(job.id)) {
    record(job.id, {.starts = earlier->starts + 1, .open = true});
  }
  tell("started", job.id);
}

void Settle::job_finished(int, const Job& job, const JobResult& result) {
  const auto taken = in_hand_.take(job.id);
  if (!taken) return;
  if (result || caller_canceled(result)) return done(taken->delivery);
  // A second start would end another worker.
  if (result.error().ended_thread)
    return bury(taken->delivery, job.payload, result.error().message);
  if (taken->is_over()) return leave(*taken);
  if (is_no_fault(*taken, result)) return interrupted(*taken);
  failed(*taken, job, result.error().message);
}

void Settle::hand_back(const std::string& id) { hand_back(id, kAtOnce); }

void Settle::hand_back_later(const std::string& id) { hand_back(id, options_.retry_delay); }

void Settle::hand_back(const Delivery& delivery) { hand_back(delivery, kAtOnce); }

void Settle::hand_back(const std::string& id, std::chrono::milliseconds delay) {
  const auto taken = in_hand_.take(id);
  if (!taken) return;
  if (taken->is_over()) return leave(*taken);
  hand_back(taken->delivery, delay);
}

void Settle::hand_back(const Delivery& delivery, std::chrono::milliseconds delay) {
  ++counts_.handed_back;
  answered(delivery.again(delay));
  tell("handed back", delivery.id);
}

void Settle::done_before(const std::string& id) {
  const auto taken = in_hand_.take(id);
  if (!taken) return;
  answered(taken->delivery.done());
  tell("done before", id);
}

void Settle::bury(const Job& job, const std::string& why) {
  if (const auto taken = in_hand_.take(job.id)) bury(taken->delivery, job.payload, why);
}

// Then resets the record, or a job that an operator publishes again would be buried without a
// start. Last, because until the broker has removed the job, it may deliver it again: to be buried,
// not to crash another process.
void Settle::bury(const Delivery& delivery, std::span<const std::byte> payload,
                  const std::string& why) {
  try {
    broker_->bury(delivery.id, payload, why);
  } catch (const BrokerError&) {
    ++counts_.errors;
    answered(delivery.again(options_.retry_delay));
    return;
  }
  ++counts_.buried;
  answered(delivery.done());
  record(delivery.id, {});
  tell("buried", delivery.id);
}

void Settle::done(const Delivery& delivery) {
  ++counts_.done;
  answered(delivery.done());
  tell("done", delivery.id);
}

// The start that was interrupted does not count.
void Settle::interrupted(const JobInHand& job) {
  if (job.started && job.delivery.number > 1) record(job.delivery.id, job.attempts);
  hand_back(job.delivery);
}

void Settle::failed(const JobInHand& taken, const Job& job, const std::string& why) {
  const Attempts now = {.starts = taken.attempts.starts + 1, .open = false};
  if (is_hopeless(now)) return bury(taken.delivery, job.payload, why);
  record(job.id, now);
  ++counts_.failed;
  answered(taken.delivery.again(options_.retry_delay));
  tell("failed", job.id);
}

// Without the record, the job may be started once more before it is buried.
void Settle::record(const std::string& id, Attempts attempts) {
  try {
    attempts_.write(id, attempts);
  } catch (const BrokerError&) {
    ++counts_.errors;
  }
}

void Settle::tell(std::string_view event, const std::string& id) const {
  try {
    event_(event, id);
  } catch (...) {  // nowhere to report it: the report itself failed
    rethrow_forced_unwind();
  }
}

}  // namespace worker_pool
