// ChannelQueue: what the two ends of a channel need of the queue between them. channel.h is the way
// to use one.
//
// An interface, because there are two of them: BoundedQueue (bounded_queue.h), which can be read in
// five minutes, and the full pattern's FastQueue, for jobs so short that the queue is what they
// cost. Senders, receivers and workers are the same for both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "step1_job/context.h"

namespace worker_pool {

enum class SendStatus {
  kSent,
  kFull,    // no room now, or not within the time given
  kClosed,  // never again: the channel takes no more values
};

// One consistent look at a channel, out of date as soon as it is returned: for metrics and tests,
// not for deciding whether to send. sent - received - queued were taken back by
// close_and_take_pending().
struct ChannelStats {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::size_t queued = 0;
  std::size_t blocked_senders = 0;
  std::size_t blocked_receivers = 0;
};

// Every function may be called from many threads at once.
template <class T>
class ChannelQueue {
 public:
  virtual ~ChannelQueue() = default;

  // Blocks while the queue is full and open, until `deadline` at the latest: time_point::max() is
  // for ever, min() is not at all. Moves from `value` only when it returns kSent. If T's move
  // throws, nothing was sent.
  virtual SendStatus send(T&& value, Clock::time_point deadline) = 0;

  // Blocks while the queue is empty and open, until `deadline` at the latest. nullopt: closed and
  // drained, or out of time. If T's move throws, the value stays in the queue.
  virtual std::optional<T> receive(Clock::time_point deadline) = 0;

  // From now on nothing is accepted; what is queued can still be received. Idempotent.
  virtual void close() noexcept = 0;

  // Closes, and returns what nobody has received, oldest first; O(what is queued).
  // T's move must not throw here: values already moved would be lost.
  virtual std::vector<T> close_and_take_pending() = 0;

  virtual ChannelStats stats() const = 0;
};

}  // namespace worker_pool
