// Context: when to stop working on something, and why.
//
//   std::stop_source stop;
//   const Context ctx = Context(stop.get_token()).with_timeout(200ms);
//   while (!ctx.err()) do_a_little();          // ends on stop.request_stop() or after 200 ms
//
// std::stop_token alone knows "asked to stop"; it has no clock, no reason and no parent. A Context
// is a stop token and a deadline, both looked at together. Modelled on Go's context.Context.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace worker_pool {

using Clock = std::chrono::steady_clock;  // never jumps when somebody sets the wall clock

// For every wait of the course. Another unit's max(), such as std::chrono::seconds::max(), does not
// do: it overflows on its way to nanoseconds.
inline constexpr Clock::duration kForever = Clock::duration::max();

enum class CancelReason { kCancelled, kDeadlineExceeded };

// The point in time `duration` from now. Saturates: kForever gives Clock::time_point::max() instead
// of an overflow, and a negative duration gives a time that has already passed.
inline Clock::time_point deadline_after(Clock::duration duration) {
  const Clock::time_point now = Clock::now();
  if (duration <= Clock::duration::zero()) return now;
  const bool overflows = duration > Clock::time_point::max() - now;
  return overflows ? Clock::time_point::max() : now + duration;
}

// A value: cheap to copy, and every function may be called from many threads at once. Context{}
// never ends. A copy ends together with its original; a child made by with_deadline() or
// with_timeout() ends with its parent or earlier, and never ends its parent.
//
// Go's rule is not to store a context in a struct. Job breaks it on purpose: a job is a message
// that waits in a queue, and its deadline has to travel with it. (WP-25)
class Context {
 public:
  Context() = default;
  explicit Context(std::stop_token stop, Clock::time_point deadline = Clock::time_point::max())
      : stop_(std::move(stop)), deadline_(deadline) {}

  // Why this context has ended; nullopt while it has not. A context that is both cancelled and
  // late says kCancelled: somebody's decision tells more than the clock. Does not block. (WP-09)
  std::optional<CancelReason> err() const {
    if (stop_.stop_requested()) return CancelReason::kCancelled;
    if (has_deadline() && Clock::now() >= deadline_) return CancelReason::kDeadlineExceeded;
    return std::nullopt;
  }

  // False for one that never ends: it has no deadline, and nobody is left who could stop it.
  bool can_end() const { return stop_.stop_possible() || has_deadline(); }

  // A child with the earlier of its parent's deadline and this one.
  Context with_deadline(Clock::time_point deadline) const {
    return Context(stop_, std::min(deadline_, deadline));
  }

  // A child that ends `timeout` from now at the latest; saturates as deadline_after() does.
  Context with_timeout(Clock::duration timeout) const {
    return with_deadline(deadline_after(timeout));
  }

  // Blocks the calling thread for `duration`, or until the context ends. False when the context has
  // ended, before the call or during the sleep; true when the whole time was slept.
  bool sleep_for(Clock::duration duration) const;

  std::stop_token stop_token() const { return stop_; }  // hears of a cancel, not of the deadline
  Clock::time_point deadline() const { return deadline_; }  // time_point::max(): none

 private:
  bool has_deadline() const { return deadline_ != Clock::time_point::max(); }

  std::stop_token stop_;
  Clock::time_point deadline_ = Clock::time_point::max();
};

inline bool Context::sleep_for(Clock::duration duration) const {
  if (err()) return false;
  const Clock::time_point wake_up = std::min(deadline_, deadline_after(duration));
  // A wait that nobody notifies: only the stop token or the time can end it. It takes a mutex and a
  // condition because every wait does. (WP-10)
  std::mutex mutex;
  std::condition_variable_any nobody_notifies;
  std::unique_lock lock(mutex);
  const auto never = [] { return false; };
  if (wake_up == Clock::time_point::max()) {
    // Not wait_until(max()): some libraries convert that to another clock and overflow.
    nobody_notifies.wait(lock, stop_, never);
  } else {
    nobody_notifies.wait_until(lock, stop_, wake_up, never);
  }
  return !err();
}

// A context that ends as soon as either parent does, with the earlier of the two deadlines: the
// worker links a job's own context with the pool's. (WP-09)
//
// context() and its copies hear of the parents only while the LinkedContext lives. Its destructor
// waits for a stop request that is being passed on at that moment, so it must not run under a lock
// that a stop_callback of context() takes: the two would wait for each other. (WP-17)
class LinkedContext {
 public:
  LinkedContext(const Context& a, const Context& b)
      : context_(own_stop_.get_token(), std::min(a.deadline(), b.deadline())),
        on_a_(a.stop_token(), PassOn{&own_stop_}),
        on_b_(b.stop_token(), PassOn{&own_stop_}) {}

  LinkedContext(const LinkedContext&) = delete;
  LinkedContext& operator=(const LinkedContext&) = delete;

  const Context& context() const { return context_; }

 private:
  struct PassOn {
    std::stop_source* target;
    void operator()() const noexcept { target->request_stop(); }
  };

  std::stop_source own_stop_;  // before the callbacks: they use it until they are destroyed
  Context context_;
  std::stop_callback<PassOn> on_a_;
  std::stop_callback<PassOn> on_b_;
};

}  // namespace worker_pool
