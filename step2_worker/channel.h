// Sender, Receiver, make_channel(): a bounded channel, which is a queue between threads that has a
// capacity and can be closed.
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
//  2. A value that was refused is still the caller's. A value that was sent is received exactly
//     once, or handed back by close_and_take_pending(), which needs a T whose move does not throw.
//     Values still queued when both ends are destroyed die with the channel.
//  3. At most `capacity` values are queued.
//  4. close() wakes every thread that is blocked on either end.
//  5. T needs only a move constructor. The channel never destroys a value under its lock, only a
//     moved-from object.
//
// Lifetime: the two ends share the queue, so either may outlive the other. send() blocks while the
// channel is full and open, even if no Receiver exists.
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

// The sending end. Move-only, so that a channel has exactly one owner who can close it. Its
// destructor closes, so receivers never wait for a sender that no longer exists. Many threads may
// send through one Sender at once, as long as it outlives their calls. A moved-from Sender behaves
// as if closed. (WP-24)
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

  // All three send functions move from their argument only if they return kSent. Otherwise the
  // value is still the caller's. (WP-12) They may throw std::bad_alloc, or what T's move throws;
  // then nothing was sent.
  //
  // send() and send_for(): if `ctx` has ended before the call, they return kContextEnded, even if
  // there is room and even if the channel is closed. If it ends while the call waits for room, the
  // call stops waiting. It then still returns kSent if room has come meanwhile, or kClosed if the
  // channel has been closed. `ctx` may be a member of `value`.

  // Blocks while the channel is full. Returns kSent, kClosed, or kContextEnded if `ctx` ends first.
  // Go: select { case jobs <- job: case <-ctx.Done(): }
  [[nodiscard]] SendStatus send(T&& value, const Context& ctx = {}) {
    return send_until(std::move(value), Clock::time_point::max(), ctx);
  }

  // Does not wait for room. Returns kSent, kFull or kClosed.
  [[nodiscard]] SendStatus try_send(T&& value) {
    if (!queue_) return SendStatus::kClosed;
    return queue_->send(std::move(value), Context().with_deadline(Clock::time_point::min()));
  }

  // Blocks while the channel is full, for at most `timeout`. A negative timeout does not wait;
  // kForever waits forever. Returns kSent, kClosed, or if there is still no room: kContextEnded if
  // `ctx` has ended by then, otherwise kFull.
  [[nodiscard]] SendStatus send_for(T&& value, Clock::duration timeout, const Context& ctx = {}) {
    return send_until(std::move(value), deadline_after(timeout), ctx);
  }

  // Accepts no more values; queued values can still be received. Idempotent. Does not wait. (WP-12)
  void close() noexcept {
    if (queue_) queue_->close();
  }

  // Closes, and hands back the values that were not received, oldest first. From then on receivers
  // see the end of the channel, and a second call returns an empty vector. May throw
  // std::bad_alloc: then the channel is closed, and every value is still queued. T's move must not
  // throw here: values would be lost.
  std::vector<T> close_and_take_pending() {
    return queue_ ? queue_->close_and_take_pending() : std::vector<T>();
  }

  // Closes, and destroys the values that were not received, one after the other. Needs no memory.
  // stats() counts them as received. T's move must not throw.
  void close_and_drop_pending() noexcept {
    close();
    while (queue_ && queue_->receive(Clock::time_point::min())) {
    }
  }

  ChannelStats stats() const { return queue_ ? queue_->stats() : ChannelStats(); }

 private:
  template <class U>
  friend std::pair<Sender<U>, Receiver<U>> connect(std::shared_ptr<ChannelQueue<U>> queue);
  explicit Sender(std::shared_ptr<ChannelQueue<T>> queue) : queue_(std::move(queue)) {}

  SendStatus send_until(T&& value, Clock::time_point deadline, const Context& ctx) {
    if (ctx.err()) return SendStatus::kContextEnded;
    if (!queue_) return SendStatus::kClosed;
    const SendStatus status = queue_->send(std::move(value), ctx.with_deadline(deadline));
    // The queue cannot know whose time is up. If it refused the value, `ctx` has not been moved.
    return status == SendStatus::kFull && ctx.err() ? SendStatus::kContextEnded : status;
  }

  std::shared_ptr<ChannelQueue<T>> queue_;  // null after a move
};

// The receiving end. Copyable: each worker has its own copy, and each value goes to one of them.
// Many threads may receive through one Receiver at once. A move is a copy, so a moved-from Receiver
// is still usable.
template <class T>
class Receiver {
 public:
  Receiver(const Receiver&) = default;
  Receiver& operator=(const Receiver&) = default;

  // Blocks while the channel is empty and open. Returns nullopt if the channel is closed and
  // drained (empty); from then on, every call does.
  [[nodiscard]] std::optional<T> receive() const {
    return queue_->receive(Clock::time_point::max());
  }

  // The same for a loop: replaces the value in `value` by the next one. Returns false if there is
  // none. Before it waits, the old value is destroyed; a fast channel may keep its memory for a
  // later sender. T's move must not throw.
  [[nodiscard]] bool receive_into(std::optional<T>& value) const {
    return queue_->receive_into(value, Clock::time_point::max());
  }

  // Does not wait for a value. Returns nullopt if the channel is empty, open or closed.
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

// Returns the two ends of a channel that uses `queue`, which must not be null. For a queue of your
// own; make_channel() is the usual way.
template <class T>
[[nodiscard]] std::pair<Sender<T>, Receiver<T>> connect(std::shared_ptr<ChannelQueue<T>> queue) {
  Sender<T> sender(queue);
  return {std::move(sender), Receiver<T>(std::move(queue))};
}

// Returns the two ends of a new channel that holds at most `capacity` values. (WP-01) A capacity of
// 0 throws std::invalid_argument: Go's unbuffered channel is another tool, which this course does
// not need.
template <class T>
std::pair<Sender<T>, Receiver<T>> make_channel(std::size_t capacity) {
  return connect<T>(std::make_shared<BoundedQueue<T>>(capacity));
}

}  // namespace worker_pool
