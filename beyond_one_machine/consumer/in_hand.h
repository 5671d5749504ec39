// JobsInHand: the jobs that the broker has delivered to this process and that have no answer yet.
//
//   in_hand.add(std::move(delivery), extend_until);          // the fetching thread
//   in_hand.start(job.id);                                   // the worker
//   if (auto taken = in_hand.take(job.id)) taken->delivery.done();
//
// It is a map by the job's id, so that the pool and its jobs need to know nothing of a broker.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "broker/broker.h"
#include "consumer/attempts.h"
#include "step1_job/context.h"

namespace worker_pool {

// Returns how long a consumer keeps a job: for its timeout, and then for the cancel limit of the
// shutdown. As in ShutdownLimits, 0 or less is nothing, and kForever has no end. (WP-30)
constexpr Clock::duration time_in_hand(Clock::duration timeout, Clock::duration cancel) {
  const Clock::duration first = std::max(timeout, Clock::duration::zero());
  const Clock::duration second = std::max(cancel, Clock::duration::zero());
  return second > kForever - first ? kForever : first + second;
}

struct JobInHand {
  Delivery delivery;    // without its payload, which the job has
  Attempts attempts{};  // before this delivery
  Clock::time_point extend_until = Clock::time_point::max();  // then it is left to the broker
  bool started = false;

  bool is_over() const { return Clock::now() >= extend_until; }
};

// What is known of a job in hand. It has no message, so it cannot be answered.
struct FoundJob {
  std::uint64_t number;  // of the delivery
  Attempts attempts;
  bool started;
  bool is_over;
};

// Thread-safe. A message is answered by the thread that has taken it, and extended under the lock,
// because the client library does not allow both at the same time.
class JobsInHand {
 public:
  // Returns false and keeps the argument as it is if a job with this id is in hand already.
  bool add(JobInHand&& job);

  // Marks the job as started. Returns its earlier attempts if it was delivered before and its limit
  // has not passed.
  std::optional<Attempts> start(const std::string& id);

  // Needs no memory. The job stays in hand.
  std::optional<FoundJob> find(const std::string& id) const;

  std::unordered_set<std::string> ids() const;

  // The caller has to answer the delivery.
  std::optional<JobInHand> take(const std::string& id);

  // Restarts the ack wait of every job whose limit has not passed. Holds the lock meanwhile: if the
  // server hangs, all calls of Delivery::extend() together block for as long as one (broker.h).
  void extend();

  // These do nothing if the job is not in hand.
  void set_attempts(const std::string& id, Attempts attempts);
  void set_limit(const std::string& id, Clock::time_point extend_until);

  // From now on, the limit of every job in hand has passed.
  void end_limits();

  // Blocks until at most `count` jobs are in hand whose limit has not passed, or until a stop is
  // requested. One thread calls this and add().
  void wait_for_size(std::size_t count, const std::stop_token& stop) const;

  std::size_t size() const;

 private:
  mutable std::mutex mutex_;  // guards the members below
  mutable std::condition_variable_any fewer_;
  std::unordered_map<std::string, JobInHand> jobs_;
};

}  // namespace worker_pool
