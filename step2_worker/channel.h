// A bounded channel: a queue between threads with a limit, and with an end.
//
//   auto [jobs, queue] = make_channel<int>(100);          // Sender<int>, Receiver<int>
//   std::jthread consumer([queue] {
//     while (auto job = queue.receive()) use(*job);       // Go: for job := range jobs
//   });
//   if (jobs.send(42) != SendStatus::kSent) refuse();     // Go: jobs <- 42
//   jobs.close();                                         // Go: close(jobs)
//
// Guarantees
//  1. Values are received in the order in which they were sent.
//  2. A value that was sent is received exactly once, or comes back from
//     close_and_take_pending(), which needs a T that moves without throwing. A value that was
//     refused never left its owner.
//  3. At most `capacity` values are queued.
//  4. close() wakes every thread that is blocked on either end.
//  5. T needs a move constructor, nothing else. A value is never destroyed under the channel's
//     lock, only its moved-from shell.
//
// The two ends share the queue: either may outlive the other. A send blocks for as long as the
// channel is full and open, even when no Receiver is left.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step2_worker/bounded_queue.h"
#include "step2_worker/channel_queue.h"

namespace worker_pool {

template <class T>
class Receiver;

// The sending end. Move-only, because there is one who closes; its destructor closes, so receivers
// never wait for a sender that is gone. Many threads may send through one Sender at once, as long
// as it outlives their calls. A moved-from Sender behaves as if closed. (WP-24)
template <class T>
class Sender {
 public:
  Sender(Sender&&) noexcept = default;
  Sender& operator=(Sender&& other) noexcept {
    Sender taken(std::move(other));
    std::swap(queue_, taken.queue_);  // `taken` closes what this Sender held
    return *this;
  }
  ~Sender() { close(); }

  // Each of the three moves from its argument only on kSent; otherwise it is still the
  // caller's (WP-12).

  // Blocks while the channel is full. kSent or kClosed.
  [[nodiscard]] SendStatus send(T&& value) {
    return send_until(std::move(value), Clock::time_point::max());
  }

  // Never blocks for room. kSent, kFull or kClosed.
  [[nodiscard]] SendStatus try_send(T&& value) {
    return send_until(std::move(value), Clock::time_point::min());
  }

  // Blocks while the channel is full, for `timeout` at most: negative means not at all, and
  // kForever for ever. kSent, kFull or kClosed.
  [[nodiscard]] SendStatus send_for(T&& value, Clock::duration timeout) {
    return send_until(std::move(value), deadline_after(timeout));
  }

  // No more values are accepted; what is queued can still be received. Idempotent (WP-12). Does
  // not block.
  void close() noexcept {
    if (queue_) queue_->close();
  }

  // Closes, and hands back what nobody has received, oldest first: afterwards receivers see the
  // end. A second call returns nothing. T's move must not throw here: values would be lost.
  [[nodiscard]] std::vector<T> close_and_take_pending() {
    return queue_ ? queue_->close_and_take_pending() : std::vector<T>();
  }

  ChannelStats stats() const { return queue_ ? queue_->stats() : ChannelStats(); }

 private:
  template <class U>
  friend std::pair<Sender<U>, Receiver<U>> connect(std::shared_ptr<ChannelQueue<U>> queue);
  explicit Sender(std::shared_ptr<ChannelQueue<T>> queue) : queue_(std::move(queue)) {}

  SendStatus send_until(T&& value, Clock::time_point deadline) {
    return queue_ ? queue_->send(std::move(value), deadline) : SendStatus::kClosed;
  }

  std::shared_ptr<ChannelQueue<T>> queue_;  // null after a move
};

// The receiving end. Copyable: every worker has its own copy of the same end, and each value goes
// to one of them. Many threads may receive through one Receiver at once. Moving one copies it, so
// there is no moved-from Receiver to trip over.
template <class T>
class Receiver {
 public:
  Receiver(const Receiver&) = default;
  Receiver& operator=(const Receiver&) = default;

  // Blocks while the channel is empty and open. nullopt: closed and drained (nothing is left in
  // it), now and for ever.
  [[nodiscard]] std::optional<T> receive() const {
    return queue_->receive(Clock::time_point::max());
  }

  // Never blocks for a value. nullopt: nothing there at the moment, or closed and drained.
  [[nodiscard]] std::optional<T> try_receive() const {
    return queue_->receive(Clock::time_point::min());
  }

  ChannelStats stats() const { return queue_->stats(); }

 private:
  template <class U>
  friend std::pair<Sender<U>, Receiver<U>> connect(std::shared_ptr<ChannelQueue<U>> queue);
  explicit Receiver(std::shared_ptr<ChannelQueue<T>> queue) : queue_(std::move(queue)) {}

  std::shared_ptr<ChannelQueue<T>> queue_;
};

// The two ends of `queue`, which must not be null: for a queue of another kind than make_channel()
// takes.
template <class T>
[[nodiscard]] std::pair<Sender<T>, Receiver<T>> connect(std::shared_ptr<ChannelQueue<T>> queue) {
  Sender<T> sender(queue);
  return {std::move(sender), Receiver<T>(std::move(queue))};
}

// A channel that holds at most `capacity` values (WP-01); 0 is refused with std::invalid_argument.
// (Go's capacity 0, a hand-over without a queue, is another tool: this course does not need it.)
template <class T>
[[nodiscard]] std::pair<Sender<T>, Receiver<T>> make_channel(std::size_t capacity) {
  return connect<T>(std::make_shared<BoundedQueue<T>>(capacity));
}

}  // namespace worker_pool
