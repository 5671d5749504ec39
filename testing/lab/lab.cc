#include "testing/lab/lab.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace worker_pool::lab {
namespace {

void step_until(std::function<bool()> can_go_on, std::function<std::string()> reason,
                std::optional<Time> until = std::nullopt) {
  Scheduler::current().step(
      {.can_go_on = std::move(can_go_on), .reason = std::move(reason), .until = until});
}

}  // namespace

// --- mutex ---------------------------------------------------------------------------------------

mutex::~mutex() {
  Scheduler& scheduler = Scheduler::current();
  if (!is_free()) {
    scheduler.fail(scheduler.name_of(scheduler.self()) + " destroys " + name_ + ", which " +
                   scheduler.name_of(*owner_) + " holds");
  }
  scheduler.expect_unused(this, name_);
  scheduler.died(this);
}

void mutex::take() {
  owner_ = Scheduler::current().self();
  Scheduler::current().count_lock(+1);
  Scheduler::current().count_synchronization();
}

void mutex::give_back() {
  owner_.reset();
  Scheduler::current().count_lock(-1);
}

std::string mutex::waiting_for() const {
  if (is_free()) return "for " + name_;
  return "for " + name_ + ", which " + Scheduler::current().name_of(*owner_) + " holds";
}

void mutex::lock() {
  Scheduler& scheduler = Scheduler::current();
  scheduler.expect_alive(this, "mutex");
  if (owner_ == scheduler.self()) {
    scheduler.fail(scheduler.name_of(*owner_) + " locks " + name_ + ", which it holds already");
  }
  if (!is_free()) scheduler.tell("waits " + waiting_for());
  scheduler.step({.can_go_on = [this] { return is_free(); },
                  .reason = [this] { return waiting_for(); },
                  .uses = this});
  take();
}

bool mutex::try_lock() {
  Scheduler::current().expect_alive(this, "mutex");
  Scheduler::current().step({.uses = this});
  if (!is_free()) return false;
  if (Scheduler::current().fails_spuriously()) {
    Scheduler::current().tell("fails to lock " + name_ + ", which is free: try_lock() may");
    return false;
  }
  take();
  return true;
}

void mutex::unlock() {
  Scheduler& scheduler = Scheduler::current();
  if (owner_ != scheduler.self()) {
    scheduler.fail(scheduler.name_of(scheduler.self()) + " unlocks " + name_ +
                   ", which it does not hold");
  }
  give_back();
  scheduler.step();  // without `uses`: from now on, another thread may destroy this mutex
}

// --- condition_variable --------------------------------------------------------------------------

condition_variable::~condition_variable() {
  Scheduler& scheduler = Scheduler::current();
  if (!waiters_.empty()) {
    scheduler.fail(scheduler.name_of(scheduler.self()) + " destroys " + name_ + " while " +
                   scheduler.name_of(waiters_[0]->thread) + " waits on it");
  }
  scheduler.expect_unused(this, name_);
  scheduler.died(this);
}

void condition_variable::notify_one() {
  Scheduler& scheduler = Scheduler::current();
  scheduler.expect_alive(this, "condition variable");
  scheduler.step({.uses = this});
  if (waiters_.empty()) return scheduler.tell("notifies " + name_ + ": no thread is waiting");
  std::vector<int> threads;
  for (const Waiter* waiter : waiters_) threads.push_back(waiter->thread);
  const int woken = scheduler.any_of(threads);
  scheduler.tell("notifies " + name_ + ": wakes " + scheduler.name_of(woken));
  const auto waiter = std::ranges::find(waiters_, woken, &Waiter::thread);
  (*waiter)->notified = true;
  waiters_.erase(waiter);
}

void condition_variable::notify_all() {
  Scheduler& scheduler = Scheduler::current();
  scheduler.expect_alive(this, "condition variable");
  scheduler.step({.uses = this});
  std::string names;
  for (const Waiter* waiter : waiters_) {
    names += (names.empty() ? "" : ", ") + scheduler.name_of(waiter->thread);
  }
  scheduler.tell("notifies all on " + name_ + ": " +
                 (names.empty() ? "no thread is waiting" : "wakes " + names));
  for (Waiter* waiter : waiters_) waiter->notified = true;
  waiters_.clear();
}

cv_status condition_variable::wait_until_time(std::unique_lock<mutex>& lock,
                                              std::optional<Time> until) {
  Scheduler& scheduler = Scheduler::current();
  scheduler.expect_alive(this, "condition variable");
  scheduler.step({.uses = this});  // between checking the condition and going to sleep
  mutex& held = *lock.mutex();
  if (held.owner_ != scheduler.self()) {
    scheduler.fail(scheduler.name_of(scheduler.self()) + " waits on " + name_ +
                   " without holding " + held.name_);
  }
  scheduler.tell("goes to sleep on " + name_);
  held.give_back();
  Waiter self{.thread = scheduler.self()};
  waiters_.push_back(&self);

  const auto timed_out = [&] { return until && scheduler.now() >= *until; };
  const auto is_awake = [&] { return self.notified || timed_out(); };
  scheduler.step({
      .can_go_on = [&] { return is_awake() && held.is_free(); },
      .reason = [&] { return is_awake() ? held.waiting_for() : "on " + name_; },
      .until = until,
      .can_wake_spuriously = [&] { return !is_awake() && held.is_free(); },
      .uses = &held,
  });

  if (!self.notified)
    std::erase(waiters_, &self);  // if notified, *this may have been destroyed, as std allows
  held.take();
  // As in std, the clock decides, even if a notification came first and the lock too late.
  scheduler.tell(timed_out() ? "wakes up: timed out" : "wakes up");
  return timed_out() ? cv_status::timeout : cv_status::no_timeout;
}

// --- thread --------------------------------------------------------------------------------------

thread& thread::operator=(thread&& other) noexcept {
  thread taken(std::move(other));
  std::swap(number_,
            taken.number_);  // `taken` destroys the former thread, which must not be joinable
  return *this;
}

thread::~thread() {
  if (!number_) return;
  Scheduler& scheduler = Scheduler::current();
  scheduler.fail(scheduler.name_of(*number_) +
                 " was neither joined nor detached: outside the lab, that calls std::terminate");
}

void thread::join() {
  Scheduler& scheduler = Scheduler::current();
  if (!number_) scheduler.fail("join() of a thread that is not joinable");
  const int number = *number_;
  if (number == scheduler.self()) scheduler.fail(scheduler.name_of(number) + " joins itself");
  const std::string what = "for " + scheduler.name_of(number) + " to exit";
  if (!scheduler.has_finished(number)) scheduler.tell("waits " + what);
  step_until([&scheduler, number] { return scheduler.has_finished(number); },
             [what] { return what; });
  number_.reset();
}

// --- this_thread ---------------------------------------------------------------------------------

void this_thread::yield() { Scheduler::current().step(); }

void this_thread::sleep_until(steady_clock::time_point time) {
  Scheduler& scheduler = Scheduler::current();
  const Time until = time.time_since_epoch();
  scheduler.tell("sleeps");
  step_until([&scheduler, until] { return scheduler.now() >= until; },
             [] { return std::string("for the clock"); }, until);
}

}  // namespace worker_pool::lab
