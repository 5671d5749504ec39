#include "consumer/settle.h"

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include "step2_worker/forced_unwind.h"

namespace worker_pool {
namespace {

constexpr std::chrono::milliseconds kAtOnce{0};

bool caller_canceled(const JobResult& result) {
  return !result && result.error().kind == JobError::Kind::kCancelled;
}

// Of a job that was not started, no result is its own fault.
bool is_no_fault(const FoundJob& found, const JobResult& result) {
  return !found.started || result.error().kind == JobError::Kind::kShutDown;
}

// Without a start that is allowed, every job that is delivered again would be buried.
const Settle::Options& checked(const Settle::Options& options) {
  if (options.max_starts >= 1) return options;
  throw std::invalid_argument("Settle: max_starts is " + std::to_string(options.max_starts) +
                              ", it must be at least 1");
}

}  // namespace

Settle::Settle(Options options, std::shared_ptr<Broker> broker, JobEvent event)
    : options_(checked(options)),
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
  if (result || caller_canceled(result)) return done(job.id);
  if (result.error().ended_thread) return ended_thread(job, result.error().message);
  const auto found = in_hand_.find(job.id);
  if (!found) return;
  if (found->is_over) return leave(job.id);
  if (is_no_fault(*found, result)) return interrupted(*found, job.id);
  failed(*found, job, result.error().message);
}

void Settle::hand_back(const std::string& id) { hand_back(id, kAtOnce); }

void Settle::hand_back_later(const std::string& id) { hand_back(id, options_.retry_delay); }

void Settle::hand_back(const Delivery& delivery) { hand_back(delivery, kAtOnce); }

void Settle::hand_back(const std::string& id, std::chrono::milliseconds delay) {
  if (const auto taken = take_to_hand_back(id)) hand_back(taken->delivery, delay);
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

// Returns nothing if the job is not in hand or is left to the broker, even if its limit passed only
// during a request.
std::optional<JobInHand> Settle::take_to_hand_back(const std::string& id) {
  auto taken = in_hand_.take(id);
  if (!taken || !taken->is_over()) return taken;
  tell("left to the broker", id);
  return std::nullopt;
}

void Settle::leave(const std::string& id) {
  if (in_hand_.take(id)) tell("left to the broker", id);
}

// Then resets the record, or a job that an operator publishes again would be buried without a
// start. Only if the removal was sent: a job that is not removed is delivered again, to be buried,
// not to crash another process. A job that is stored is removed also after its limit: the broker
// must not deliver it to be buried twice.
void Settle::bury(const Job& job, const std::string& why) {
  if (!in_hand_.find(job.id)) return;
  try {
    broker_->bury(job.id, job.payload, why);
  } catch (const std::exception&) {  // BrokerError, or no memory
    ++counts_.errors;
    if (const auto taken = take_to_hand_back(job.id)) {
      answered(taken->delivery.again(options_.retry_delay));
      tell("not buried", job.id);
    }
    return;
  }
  ++counts_.buried;
  const auto taken = in_hand_.take(job.id);
  const bool removed = taken && taken->delivery.done();
  answered(removed);
  if (removed) record(job.id, {});
  tell("buried", job.id);
}

// A second start would end another worker. So the record says that none is allowed, in case that
// the job cannot be buried now: then it is buried when it is delivered again.
void Settle::ended_thread(const Job& job, const std::string& why) {
  ++counts_.ended_threads;
  if (in_hand_.find(job.id)) record(job.id, {.starts = options_.max_starts});
  bury(job, why);
}

void Settle::done(const std::string& id) {
  const auto taken = in_hand_.take(id);
  if (!taken) return;
  ++counts_.done;
  answered(taken->delivery.done());
  tell("done", id);
}

// The start that was interrupted does not count.
void Settle::interrupted(const FoundJob& found, const std::string& id) {
  if (found.started && found.number > 1) record(id, found.attempts);
  hand_back(id);
}

void Settle::failed(const FoundJob& found, const Job& job, const std::string& why) {
  const Attempts now = {.starts = found.attempts.starts + 1, .open = false};
  if (is_hopeless(now)) return bury(job, why);
  record(job.id, now);
  const auto taken = take_to_hand_back(job.id);
  if (!taken) return;
  ++counts_.failed;
  answered(taken->delivery.again(options_.retry_delay));
  tell("failed", job.id);
}

// Without the record, the job may be started once more before it is buried.
void Settle::record(const std::string& id, Attempts attempts) {
  try {
    attempts_.write(id, attempts);
  } catch (const std::exception&) {  // BrokerError, or no memory
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
