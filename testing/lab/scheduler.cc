#include "testing/lab/scheduler.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace worker_pool::lab {
namespace {

// The scheduler of the calling thread. Set once, when the thread starts.
thread_local Scheduler* t_scheduler = nullptr;

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << why << std::endl;
  std::_Exit(EXIT_FAILURE);  // destructors would wait for blocked threads
}

}  // namespace

Scheduler& Scheduler::current() {
  if (t_scheduler == nullptr) {
    give_up(
        "lab: a lab type was used outside lab::explore(), or on a std::thread inside it. Outside, "
        "use the std types; inside, use lab::thread.");
  }
  return *t_scheduler;
}

std::string Scheduler::run(const std::function<void()>& scenario) {
  run_next(start("main", scenario));
  std::unique_lock lock(mutex_);
  std::size_t seen = 0;
  while (!over_changed_.wait_for(lock, options_.stall_limit, [this] { return over_; })) {
    // On a busy machine the scenario is slow, but it still makes steps.
    const std::size_t steps = steps_;
    if (steps == seen) {
      give_up(
          "lab: thread \"" + next_->name +
          "\" is blocked outside the lab. Does it wait on a std::mutex, a std::condition_variable "
          "or std::this_thread::sleep_for? In an exercise, use lab::mutex and the like.");
    }
    seen = steps;
  }
  if (!verdict_.empty()) {
    for (const auto& thread : threads_) {
      if (thread->real.joinable()) thread->real.detach();  // blocked forever
    }
    return verdict_;
  }
  lock.unlock();
  for (const auto& thread : threads_) thread->real.join();
  return {};
}

std::string Scheduler::story() const {
  std::size_t width = 0;
  for (const auto& [who, what] : story_) width = std::max(width, who.size());
  // An endless run has thousands of lines. Only the last ones explain it.
  constexpr std::size_t kLines = 20;
  const std::size_t skipped = story_.size() > kLines ? story_.size() - kLines : 0;
  std::string text;
  if (skipped > 0) text = "  (" + std::to_string(skipped) + " steps before these)\n";
  for (const auto& [who, what] : std::span(story_).subspan(skipped)) {
    text += "  " + who + std::string(width - who.size() + 2, ' ') + what + "\n";
  }
  return text;
}

int Scheduler::start(const std::string& name, std::function<void()> body) {
  const int number = static_cast<int>(threads_.size());
  Thread& thread = *threads_.emplace_back(std::make_unique<Thread>());
  thread.name = unique(name);
  thread.body = std::move(body);
  return number;
}

std::size_t Scheduler::running_threads() const {
  const auto is_running = [](const auto& thread) { return !thread->finished; };
  return static_cast<std::size_t>(std::ranges::count_if(threads_, is_running));
}

void Scheduler::expect_alive(const void* object, const std::string& type) {
  if (alive_.contains(object)) return;
  fail(name_of(running_) + " uses a " + type + " that does not exist yet or has been destroyed");
}

void Scheduler::expect_unused(const void* object, const std::string& name) {
  for (const auto& thread : threads_) {
    const bool is_other = thread != threads_[index(running_)] && !thread->finished;
    if (!is_other || thread->waiting.uses != object) continue;
    fail(name_of(running_) + " destroys " + name + " while " + thread->name + " uses it");
  }
}

void Scheduler::main_of(Thread& thread) {
  t_scheduler = this;
  try {
    thread.body();
    thread.body = nullptr;  // still scheduled, because destructors may use lab types
  } catch (const std::exception& e) {
    fail("an exception escaped from thread " + thread.name + " (\"" + e.what() +
         "\"): outside the lab, that calls std::terminate");
  } catch (...) {
    fail("an exception escaped from thread " + thread.name +
         ": outside the lab, that calls std::terminate");
  }
  finish();
}

void Scheduler::finish() {
  Thread& self = *threads_[index(running_)];
  if (self.locks_held > 0) fail(self.name + " exits while it holds a lock");
  self.finished = true;
  if (running_ != 0) tell("exits");

  const auto is_running = [](const auto& thread) { return !thread->finished; };
  const auto left = std::ranges::find_if(threads_, is_running);
  if (left == threads_.end()) return end("");
  if (threads_[0]->finished)
    fail("the scenario returned while " + (*left)->name + " is still running");
  running_ = choose().thread;
  run_next(running_);
}

void Scheduler::step() { step(Waiting()); }

void Scheduler::step(Waiting waiting) {
  if (++steps_ > options_.max_steps) {
    fail("no end after " + std::to_string(options_.max_steps) + " steps: a thread loops forever");
  }
  const int self = running_;
  Thread& thread = *threads_[index(self)];  // threads_ may change once another thread runs
  thread.waiting = std::move(waiting);
  running_ = choose().thread;
  if (running_ == self) return;
  run_next(running_);
  wait_until_scheduled(thread);
}

std::vector<Choice> Scheduler::choices() {
  const bool may_stay =
      !threads_[index(running_)]->finished && threads_[index(running_)]->waiting.can_go_on();
  std::vector<Choice> result;
  if (may_stay) result.push_back({.thread = running_});
  for (int thread = 0; thread < static_cast<int>(threads_.size()); ++thread) {
    const Thread& it = *threads_[index(thread)];
    if (thread == running_ || it.finished || !it.waiting.can_go_on()) continue;
    result.push_back({.thread = thread, .preemption = may_stay});
  }
  if (result.empty()) return result;

  if (spurious_wakeups_ < options_.max_spurious_wakeups) {
    for (int thread = 0; thread < static_cast<int>(threads_.size()); ++thread) {
      const Thread& it = *threads_[index(thread)];
      if (it.finished || it.waiting.can_go_on() || !it.waiting.can_wake_spuriously()) continue;
      result.push_back({.thread = thread, .preemption = may_stay, .spurious = true});
    }
  }
  // A thread that could run may be so slow that the next timeout passes first.
  if (const std::optional<int> sleeper = next_timeout(); sleeper && options_.early_timeouts) {
    result.push_back({.thread = *sleeper, .preemption = true, .timeout = true});
  }
  return result;
}

// The thread with the earliest timeout that has not passed yet.
std::optional<int> Scheduler::next_timeout() const {
  std::optional<int> next;
  for (int thread = 0; thread < static_cast<int>(threads_.size()); ++thread) {
    const Thread& it = *threads_[index(thread)];
    if (it.finished || !it.waiting.until || *it.waiting.until <= now_) continue;
    if (!next || *it.waiting.until < *threads_[index(*next)]->waiting.until) next = thread;
  }
  return next;
}

Choice Scheduler::choose() {
  std::vector<Choice> possible = choices();
  while (possible.empty()) {
    const std::optional<int> sleeper = next_timeout();
    if (!sleeper) fail(deadlock());
    now_ = *threads_[index(*sleeper)]->waiting.until;
    possible = choices();
  }
  const Choice choice = possible.size() == 1 ? possible[0] : possible[strategy_.choose(possible)];
  if (choice.timeout) {
    now_ = *threads_[index(choice.thread)]->waiting.until;
    // Its timeout has passed, but another thread may hold the lock that it needs.
    if (!threads_[index(choice.thread)]->waiting.can_go_on()) return choose();
  }
  if (choice.spurious) {
    ++spurious_wakeups_;
    story_.emplace_back(name_of(choice.thread), "has a spurious wake-up");
  }
  return choice;
}

bool Scheduler::fails_spuriously() {
  if (spurious_wakeups_ == options_.max_spurious_wakeups) return false;
  if (strategy_.choose({{.thread = running_}, {.thread = running_, .spurious = true}}) == 0) {
    return false;
  }
  ++spurious_wakeups_;
  return true;
}

int Scheduler::any_of(const std::vector<int>& threads) {
  if (threads.size() == 1) return threads[0];
  std::vector<Choice> possible;
  for (const int thread : threads) possible.push_back({.thread = thread});
  return possible[strategy_.choose(possible)].thread;
}

std::string Scheduler::deadlock() const {
  std::string text = "deadlock:";
  for (const auto& thread : threads_) {
    if (thread->finished) continue;
    text += (text.back() == ':' ? " " : "; ") + thread->name + " waits forever " +
            thread->waiting.reason();
  }
  return text;
}

std::string Scheduler::unique(const std::string& name) {
  const auto same = std::ranges::count(names_, name);
  names_.push_back(name);
  return same == 0 ? name : name + " " + std::to_string(same + 1);
}

void Scheduler::fail(const std::string& verdict) {
  end(verdict);
  std::unique_lock lock(mutex_);
  std::condition_variable never;
  while (true) never.wait(lock);
}

void Scheduler::end(const std::string& verdict) {
  const std::lock_guard lock(mutex_);
  verdict_ = verdict;
  over_ = true;
  over_changed_.notify_one();
}

void Scheduler::run_next(int thread) {
  const std::lock_guard lock(mutex_);
  Thread& next = *threads_[index(thread)];
  next_ = &next;
  if (!next.real.joinable()) next.real = std::thread([this, &next] { main_of(next); });
  next.scheduled.notify_one();
}

// Uses only its own Thread until it is scheduled.
void Scheduler::wait_until_scheduled(Thread& thread) {
  std::unique_lock lock(mutex_);
  thread.scheduled.wait(lock, [this, &thread] { return next_ == &thread; });
}

}  // namespace worker_pool::lab
