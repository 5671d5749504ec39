// Context: tells work when to stop, and why.
//
//   std::stop_source stop;
//   const Context ctx = Context(stop.get_token()).with_timeout(200ms);
//   while (!ctx.err()) do_some_work();         // ends on stop.request_stop() or after 200 ms
//
// A std::stop_token carries a cancel signal only: no deadline, no reason, no parent. A Context
// combines a stop token with a deadline and a reason. It is modeled on Go's context.Context.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace worker_pool {

using Clock = std::chrono::steady_clock;  // does not jump when the wall clock is set (WP-29)

// The longest timeout: wait forever. Do not use the max() of another unit, such as
// std::chrono::seconds::max(): its conversion to nanoseconds overflows.
inline constexpr Clock::duration kForever = Clock::duration::max();

enum class CancelReason {
  kCancelled,         // the caller no longer wants the result
  kDeadlineExceeded,  // the result would be too late
  kShutDown,          // the pool is shutting down; the caller may still want the result
};

// Returns the time that is `duration` from now. It never overflows: kForever gives
// Clock::time_point::max(), and a negative duration gives a time that has already passed. (WP-30)
inline Clock::time_point deadline_after(Clock::duration duration) {
  const Clock::time_point now = Clock::now();
  if (duration <= Clock::duration::zero()) return now;
  const bool overflows = duration > Clock::time_point::max() - now;
  return overflows ? Clock::time_point::max() : now + duration;
}

// A value that is cheap to copy. Context{} never ends.
//
//  1. Every const function may be called from many threads at once.
//  2. A copy ends together with its original.
//  3. A child (from with_deadline() or with_timeout()) ends with its parent or earlier. It never
//     ends its parent.
//
// Go's rule is not to store a context in a struct. Job breaks it on purpose: a job is a message
// that waits in a queue, and its deadline has to travel with it. (WP-25)
class Context {
 public:
  Context() = default;
  // A stop request on `stop` means kCancelled. A pool has a ContextSource instead (below).
  explicit Context(std::stop_token stop, Clock::time_point deadline = Clock::time_point::max())
      : Context(std::move(stop), {}, deadline) {}

  // Returns why this context has ended, or nullopt if it has not. If it is both stopped and late,
  // the answer is kCancelled or kShutDown: a stop outranks a deadline. Does not block. (WP-09)
  std::optional<CancelReason> err() const {
    if (stop_.stop_requested()) return stop_reason();
    if (has_deadline() && Clock::now() >= deadline_) return CancelReason::kDeadlineExceeded;
    return std::nullopt;
  }

  // False if this context can never end: it has no deadline, and no stop was requested and none can
  // be, because no stop source is left.
  bool can_end() const { return stop_.stop_possible() || has_deadline(); }

  // Returns a child whose deadline is the earlier of this context's and `deadline`.
  Context with_deadline(Clock::time_point deadline) const {
    return Context(stop_, reason_, std::min(deadline_, deadline));
  }

  // Returns a child that ends at most `timeout` from now. Never overflows; see deadline_after().
  Context with_timeout(Clock::duration timeout) const {
    return with_deadline(deadline_after(timeout));
  }

  // Blocks for `duration` or until the context ends, whichever is first. Returns true if it slept
  // for the whole duration, false if the context ended before or during the sleep. May throw
  // std::bad_alloc, because the condition variable that it waits on may allocate.
  bool sleep_for(Clock::duration duration) const;

  // Signals a cancel, not the deadline. Do not destroy a std::stop_callback on it under a lock that
  // the callback takes: each would wait for the other. (WP-17)
  std::stop_token stop_token() const { return stop_; }

  // time_point::max(): no deadline.
  Clock::time_point deadline() const { return deadline_; }

  // Cheaper than the three moves of std::swap().
  friend void swap(Context& a, Context& b) noexcept {
    a.stop_.swap(b.stop_);
    a.reason_.swap(b.reason_);
    std::swap(a.deadline_, b.deadline_);
  }

 private:
  friend class ContextSource;
  using Reason = std::atomic<CancelReason>;
  Context(std::stop_token stop, std::shared_ptr<const Reason> reason, Clock::time_point deadline)
      : stop_(std::move(stop)), reason_(std::move(reason)), deadline_(deadline) {}

  bool has_deadline() const { return deadline_ != Clock::time_point::max(); }
  CancelReason stop_reason() const { return reason_ ? reason_->load() : CancelReason::kCancelled; }

  std::stop_token stop_;
  std::shared_ptr<const Reason> reason_;  // of a stop; null means kCancelled
  Clock::time_point deadline_ = Clock::time_point::max();
};

// The stop source of a pool, which can say why: request_stop() means kCancelled, and
// request_shut_down() means kShutDown.
//
//  1. The first request decides the reason, which never changes.
//  2. That request calls the stop callbacks on its thread, and blocks until they have returned. A
//     later one returns at once, even while they run.
//  3. Thread-safe, except for moves and assignments. Copies share one stop and one reason.
//
// The base is private, because a std::stop_source could request a stop without a reason.
class ContextSource : private std::stop_source {
 public:
  using std::stop_source::get_token;
  using std::stop_source::stop_requested;

  Context context(Clock::time_point deadline = Clock::time_point::max()) const {
    return Context(get_token(), reason_, deadline);
  }

  void request_stop() noexcept { stop(CancelReason::kCancelled); }
  void request_shut_down() noexcept { stop(CancelReason::kShutDown); }

 private:
  // Decides first, and stops second: err() reads the reason after it has seen the stop. The first
  // reason stays: check and change are one step (WP-48).
  void stop(CancelReason reason) noexcept {
    CancelReason undecided = kUndecided;
    if (reason_) reason_->compare_exchange_strong(undecided, reason);  // null after a move
    std::stop_source::request_stop();
  }

  // A deadline is never the reason of a stop, so this value can mean that there is none yet.
  static constexpr auto kUndecided = CancelReason::kDeadlineExceeded;
  std::shared_ptr<Context::Reason> reason_ = std::make_shared<Context::Reason>(kUndecided);
};

inline bool Context::sleep_for(Clock::duration duration) const {
  if (err()) return false;
  const Clock::time_point wake_up = std::min(deadline_, deadline_after(duration));
  // The wait needs a mutex and a condition variable, but no thread notifies it: only the stop token
  // or the time ends it. (WP-10)
  std::mutex mutex;
  std::condition_variable_any never_notified;
  std::unique_lock lock(mutex);
  const auto never = [] { return false; };
  if (wake_up == Clock::time_point::max()) {
    // Not wait_until(max()): some libraries convert that to another clock and overflow.
    never_notified.wait(lock, stop_, never);
  } else {
    never_notified.wait_until(lock, stop_, wake_up, never);
  }
  return !err();
}

}  // namespace worker_pool
