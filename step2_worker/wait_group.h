// WaitGroup: wait until everybody who joined has left, with a timeout if need be.
//
//   WaitGroup group;
//   for (int id = 1; id <= 3; ++id) {
//     threads.emplace_back([done = group.add()] { work(); });   // leaves when `done` is destroyed
//   }
//   if (!group.wait_for(5s)) report_who_is_stuck();
//
// In Go one writes wg.Add(1) before `go` and `defer wg.Done()` inside, and may forget either. Here
// add() returns a token that the thread is handed: there is nothing to hand over before the group
// has counted it, and its destructor leaves the group however the thread's function ends.
//
// Why not std::latch or join()? Neither can wait with a timeout. (WP-07)
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "step1_job/context.h"

namespace worker_pool {

// A handle: copies stand for the same group. Every function may be called from many threads at
// once. Tokens and handles share the count, so a token may be released after the last handle is
// gone (a worker that was given up on may finish late), and the group may be destroyed right after
// wait().
class WaitGroup {
 public:
  class Token;

  WaitGroup() = default;
  WaitGroup(const WaitGroup&) = default;  // and no move: a moved-from handle would have no group
  WaitGroup& operator=(const WaitGroup&) = default;

  // A look at the group, out of date as soon as it is returned: for reports and tests.
  struct Stats {
    std::size_t members = 0;  // tokens not yet released
    std::size_t waiting = 0;  // threads blocked in a wait
  };

  // Adds one member, who leaves when the token is destroyed. (WP-07)
  [[nodiscard]] Token add();

  // Blocks until the group has no members. What a member did before it released its token has
  // happened before wait() returns. Must not be called by a thread that holds a token.
  void wait() const { (void)wait(Context()); }

  // The same, until `ctx` ends at most: false when members are left. Giving up disturbs nobody:
  // other waiters go on waiting. (Go: select { case <-done: case <-ctx.Done(): }) (WP-23)
  [[nodiscard]] bool wait(const Context& ctx) const {
    std::unique_lock lock(state_->mutex);
    ++state_->waiting;
    const bool empty = wait(lock, ctx);
    --state_->waiting;
    return empty;
  }

  // The same, for `timeout` at most. Negative: a look, no wait. kForever: for ever.
  [[nodiscard]] bool wait_for(Clock::duration timeout) const {
    return wait(Context().with_timeout(timeout));
  }

  Stats stats() const {
    const std::lock_guard lock(state_->mutex);
    return {state_->members, state_->waiting};
  }

 private:
  struct State {
    std::mutex mutex;                         // guards everything below
    std::condition_variable_any nobody_left;  // the kind that waits for a stop token, too (WP-03)
    std::size_t members = 0;
    std::size_t waiting = 0;
  };

  bool wait(std::unique_lock<std::mutex>& lock, const Context& ctx) const {
    const auto empty = [this] { return state_->members == 0; };
    if (ctx.deadline() != Clock::time_point::max()) {
      return state_->nobody_left.wait_until(lock, ctx.stop_token(), ctx.deadline(), empty);
    }
    return state_->nobody_left.wait(lock, ctx.stop_token(), empty);
  }

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// Membership in a group. Move-only; the destructor leaves the group. A moved-from token is nobody.
class WaitGroup::Token {
 public:
  Token(Token&&) noexcept = default;
  Token& operator=(Token&& other) noexcept {
    Token taken(std::move(other));
    std::swap(state_, taken.state_);  // `taken` leaves the group that this token belonged to
    return *this;
  }
  ~Token() {
    if (!state_) return;
    // Count and notify under the lock. With an atomic count and no lock, a waiter could see zero,
    // return and destroy the condition variable between the two. Here the token would keep it
    // alive, but this way nobody has to rely on that. (WP-18)
    const std::lock_guard lock(state_->mutex);
    if (--state_->members == 0) state_->nobody_left.notify_all();
  }

 private:
  friend class WaitGroup;
  explicit Token(std::shared_ptr<State> state) : state_(std::move(state)) {
    const std::lock_guard lock(state_->mutex);
    ++state_->members;
  }

  std::shared_ptr<State> state_;
};

inline WaitGroup::Token WaitGroup::add() { return Token(state_); }

}  // namespace worker_pool
