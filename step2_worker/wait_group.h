// WaitGroup: waits until all of its members have left, with or without a time limit.
//
//   WaitGroup group;
//   for (int id = 1; id <= 3; ++id) {
//     threads.emplace_back([done = group.add()] { work(); });   // leaves at the destructor of done
//   }
//   if (!group.wait_for(5s)) report_who_is_stuck();
//
// In Go, wg.Add(1) goes before `go` and `defer wg.Done()` inside, and either is easy to forget.
// Here, getting a token counts a thread in, and the token's destructor counts it out, however the
// thread exits. std::latch and std::thread::join() cannot wait with a time limit. (WP-07)
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "step1_job/context.h"
#include "step2_worker/scoped_count.h"

namespace worker_pool {

// A handle: all copies refer to the same group.
//
//  1. Every function but assignment may be called from many threads at once.
//  2. What a member did before it released its token happens before a successful wait returns.
//  3. A wait that times out or is canceled does not affect other waiters.
//  4. Tokens and handles share the count. So the group may be destroyed right after wait(), and a
//     token may outlive the last handle, as that of an abandoned worker does.
class WaitGroup {
 public:
  class Token;

  WaitGroup() = default;
  WaitGroup(const WaitGroup&) = default;  // no move: a moved-from handle would have no group
  WaitGroup& operator=(const WaitGroup&) = default;

  // A snapshot of the group, for reports and tests. It is out of date as soon as it is returned.
  struct Stats {
    std::size_t members = 0;  // tokens not yet released
    std::size_t waiting = 0;  // threads blocked in a wait
  };

  // Adds one member. The member leaves when its token is destroyed. Call this before the thread
  // starts, and hand it the token. (WP-07)
  [[nodiscard]] Token add();

  // Blocks until the group has no members. A thread that holds a token must not call this: it would
  // wait for itself.
  void wait() const { (void)wait(Context()); }

  // The same, but also stops waiting when `ctx` ends. Returns true if the group has no members.
  // Go: select { case <-done: case <-ctx.Done(): } (WP-23)
  [[nodiscard]] bool wait(const Context& ctx) const {
    std::unique_lock lock(state_->mutex);
    const ScopedCount counted(state_->waiting);
    return wait(lock, ctx);
  }

  // The same, for at most `timeout`. A negative timeout does not wait; kForever waits forever.
  [[nodiscard]] bool wait_for(Clock::duration timeout) const {
    return wait(Context().with_timeout(timeout));
  }

  Stats stats() const {
    const std::lock_guard lock(state_->mutex);
    return {state_->members, state_->waiting};
  }

 private:
  struct State {
    std::mutex mutex;  // guards everything below
    // The only kind of condition variable that can also wait for a stop token. (WP-03)
    std::condition_variable_any no_members_left;
    std::size_t members = 0;
    std::size_t waiting = 0;
  };

  bool wait(std::unique_lock<std::mutex>& lock, const Context& ctx) const {
    const auto empty = [this] { return state_->members == 0; };
    if (ctx.deadline() != Clock::time_point::max()) {
      return state_->no_members_left.wait_until(lock, ctx.stop_token(), ctx.deadline(), empty);
    }
    return state_->no_members_left.wait(lock, ctx.stop_token(), empty);
  }

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// Membership in a group. Move-only; the destructor leaves the group, also if an exception ends the
// thread's work. A moved-from token is no member. (WP-45)
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
    // Count down and notify under the lock. Otherwise a waiter could see zero between the two,
    // return, and destroy the condition variable. The token keeps ours alive, but this order is
    // right even without that. (WP-18)
    const std::lock_guard lock(state_->mutex);
    if (--state_->members == 0) state_->no_members_left.notify_all();
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
