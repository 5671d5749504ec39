// ChannelQueue: the interface of the queue between the two ends of a channel. Use one through
// channel.h.
//
//   auto [jobs, queue] = connect<Job>(std::make_shared<MyQueue>());   // a queue of your own
//
// make_channel() uses BoundedQueue (bounded_queue.h), which is written to be read. The interface
// lets a faster queue replace it; senders, receivers and workers stay the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "step1_job/context.h"

namespace worker_pool {

enum class SendStatus {
  kSent,
  kFull,          // there was no room, now or within the time limit
  kClosed,        // the channel accepts no more values
  kContextEnded,  // the context of the call ended first; its err() says why
};

// A snapshot of a channel, for metrics and tests. It is out of date as soon as it is returned, so
// do not use it to decide whether to send. The first three numbers are of one moment: what was sent
// has been received, is queued, or was returned by close_and_take_pending(). The threads that wait
// may be counted a moment earlier.
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

  // Appends `value`. Blocks while the queue is full and open, until `until` ends at the latest. A
  // deadline of time_point::min() does not wait. Returns kSent, kClosed, or kFull if the queue is
  // still full. So a context that has ended does not keep it from sending: see Sender::send().
  // Moves from `value` only if it returns kSent. If T's move throws, nothing was sent.
  virtual SendStatus send(T&& value, const Context& until) = 0;

  // Removes the oldest value. Blocks while the queue is empty and open, until `deadline` at the
  // latest. Returns nullopt if the queue is closed and drained, or if the time is up. If T's move
  // throws, the value stays in the queue.
  virtual std::optional<T> receive(Clock::time_point deadline) = 0;

  // The same into `value`, and returns whether there is one. What `value` held is done with: it is
  // destroyed first, or a queue may keep its memory for a later sender. T's move must not throw.
  virtual bool receive_into(std::optional<T>& value, Clock::time_point deadline) {
    value.reset();
    if (std::optional<T> next = receive(deadline)) value.emplace(std::move(*next));
    return value.has_value();
  }

  // Accepts no more values; queued values can still be received. Idempotent.
  virtual void close() noexcept = 0;

  // Closes, and returns the values that were not received, oldest first. O(number of values).
  // T's move must not throw here: values that were already moved would be lost.
  virtual std::vector<T> close_and_take_pending() = 0;

  virtual ChannelStats stats() const = 0;
};

}  // namespace worker_pool
