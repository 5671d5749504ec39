#include "exercises/testing/lab.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace worker_pool::lab {
namespace {

void step_until(std::function<bool()> can_go_on, std::function<std::string()> reason,
                std::optional<Time> until = std::nullopt) {
  (void)Scheduler::current().step(
      {.can_go_on = std::move(can_go_on), .reason = std::move(reason), .until = until});
}

}  // namespace

// --- mutex ---------------------------------------------------------------------------------------

void mutex::take() {
  owner_ = Scheduler::current().self();
  Scheduler::current().count_lock(+1);
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
  if (owner_ == scheduler.self()) {
    scheduler.fail(scheduler.name_of(*owner_) + " locks " + name_ + ", which it holds already");
  }
  if (!is_free()) scheduler.tell("waits " + waiting_for());
  step_until([this] { return is_free(); }, [this] { return waiting_for(); });
  take();
}

bool mutex::try_lock() {
  (void)Scheduler::current().step();
  if (!is_free()) return false;
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
}

// --- condition_variable --------------------------------------------------------------------------

std::vector<int> condition_variable::parked() const {
  std::vector<int> threads;
  for (const Waiter* waiter : waiters_) {
    if (!waiter->notified) threads.push_back(waiter->thread);
  }
  return threads;
}

void condition_variable::notify_one() {
  Scheduler& scheduler = Scheduler::current();
  (void)scheduler.step();
  const std::vector<int> threads = parked();
  if (threads.empty()) return scheduler.tell("notifies " + name_ + ": nobody is waiting");
  const int woken = scheduler.any_of(threads);
  scheduler.tell("notifies " + name_ + ": wakes " + scheduler.name_of(woken));
  (*std::ranges::find(waiters_, woken, &Waiter::thread))->notified = true;
}

void condition_variable::notify_all() {
  Scheduler& scheduler = Scheduler::current();
  (void)scheduler.step();
  const std::vector<int> threads = parked();
  std::string names;
  for (const int thread : threads) {
    names += (names.empty() ? "" : ", ") + scheduler.name_of(thread);
  }
  scheduler.tell("notifies all on " + name_ + ": " +
                 (names.empty() ? "nobody is waiting" : "wakes " + names));
  for (Waiter* waiter : waiters_) waiter->notified = true;
}

cv_status condition_variable::wait_until_time(std::unique_lock<mutex>& lock,
                                              std::optional<Time> until) {
  Scheduler& scheduler = Scheduler::current();
  (void)scheduler.step();  // between the look at the condition and going to sleep
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
  const bool woken = scheduler.step({
      .can_go_on = [&] { return (self.notified || timed_out()) && held.is_free(); },
      .reason = [this] { return "on " + name_; },
      .until = until,
      .can_wake_spuriously = [&] { return !self.notified && held.is_free(); },
  });

  std::erase(waiters_, &self);
  held.take();
  const bool is_timeout = woken && !self.notified;
  scheduler.tell(is_timeout ? "wakes up: the time is over" : "wakes up");
  return is_timeout ? cv_status::timeout : cv_status::no_timeout;
}

// --- thread --------------------------------------------------------------------------------------

thread& thread::operator=(thread&& other) noexcept {
  thread taken(std::move(other));
  std::swap(number_, taken.number_);  // `taken` ends what this one stood for, as ~thread() says
  return *this;
}

thread::~thread() {
  if (!number_) return;
  Scheduler& scheduler = Scheduler::current();
  scheduler.fail(scheduler.name_of(*number_) +
                 " was neither joined nor detached: outside the lab that is std::terminate");
}

void thread::join() {
  Scheduler& scheduler = Scheduler::current();
  if (!number_) scheduler.fail("join() of a thread that is not joinable");
  const int number = *number_;
  if (number == scheduler.self()) scheduler.fail(scheduler.name_of(number) + " joins itself");
  const std::string what = "for " + scheduler.name_of(number) + " to end";
  if (!scheduler.has_finished(number)) scheduler.tell("waits " + what);
  step_until([&scheduler, number] { return scheduler.has_finished(number); },
             [what] { return what; });
  number_.reset();
}

// --- this_thread ---------------------------------------------------------------------------------

void this_thread::yield() { (void)Scheduler::current().step(); }

void this_thread::sleep_until(steady_clock::time_point time) {
  Scheduler& scheduler = Scheduler::current();
  const Time until = time.time_since_epoch();
  scheduler.tell("sleeps");
  step_until([&scheduler, until] { return scheduler.now() >= until; },
             [] { return std::string("for the clock"); }, until);
}

}  // namespace worker_pool::lab
