#include "testing/lab/engine/scheduler.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#ifdef __linux__
#include <pthread.h>
#include <time.h>
#endif

#include "testing/lab/engine/crashes.h"
#include "testing/lab/engine/hooks.h"

namespace worker_pool::lab {
namespace {

// The scheduler of the calling thread. Set once, when the thread starts.
thread_local Scheduler* t_scheduler = nullptr;

[[noreturn]] void give_up(const std::string& why) {
  // Not std::cerr, which may be constructed after the global variable that brought us here.
  std::fputs((why + "\n").c_str(), stderr);
  std::_Exit(EXIT_FAILURE);  // destructors would wait for blocked threads
}

// Says what the exception is, as in " (\"out of range\")".
std::string text_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return std::string(" (\"") + e.what() + "\")";
  } catch (...) {
    return "";
  }
}

[[noreturn]] void on_terminate() {
  if (t_scheduler == nullptr) std::abort();
  const Inside inside;
  const std::exception_ptr thrown = std::current_exception();
  const std::string why = thrown != nullptr ? "an exception that nothing catches" + text_of(thrown)
                                            : "for example for a std::thread that was not joined";
  t_scheduler->fail(t_scheduler->own_name() + " calls std::terminate: " + why);
}

#ifdef __linux__

// The processor time that the thread has used, or zero if that is not known.
Time processor_time(std::thread& thread) {
  clockid_t clock = 0;
  timespec time = {};
  if (pthread_getcpuclockid(thread.native_handle(), &clock) != 0) return Time::zero();
  if (clock_gettime(clock, &time) != 0) return Time::zero();
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

#else

Time processor_time(std::thread&) { return Time::zero(); }

#endif

}  // namespace

// A thread ends when this object of it is destroyed. It is constructed before every thread_local
// object of the code under test, so their destructors, too, run while the thread is scheduled.
class EndOfThread {
 public:
  explicit EndOfThread(Scheduler& scheduler) : scheduler_(scheduler) {}
  EndOfThread(const EndOfThread&) = delete;
  EndOfThread& operator=(const EndOfThread&) = delete;
  ~EndOfThread() {
    ++t_inside;  // for good
    scheduler_.finish();
  }

 private:
  Scheduler& scheduler_;
  const SignalStack signal_stack_;
};

Scheduler::Scheduler(const Options& options, Strategy& strategy, bool shows_held_locks)
    : options_(options), strategy_(strategy), shows_held_locks_(shows_held_locks) {
  std::set_terminate(on_terminate);
  catch_crashes();
}

Scheduler& Scheduler::current() {
  if (t_scheduler == nullptr) {
    give_up(
        "lab: a lab type was used outside lab::explore(), for example as a global variable, or on "
        "a std::thread inside it. Outside, use the std types; inside, use lab::thread.");
  }
  return *t_scheduler;
}

std::string Scheduler::run(const std::function<void()>& scenario) {
  run_next(start("main", scenario));
  std::unique_lock lock(mutex_);
  const std::chrono::milliseconds stall_limit(options_.stall_limit_ms);
  std::optional<std::size_t> seen;
  Time used = Time::zero();
  while (!over_changed_.wait_for(lock, stall_limit, [this] { return over_; })) {
    // On a busy machine the scenario is slow, but it still makes steps.
    const std::size_t steps = steps_;
    const Time used_before = std::exchange(used, processor_time(next_->real));
    if (steps == seen) give_up(no_step(used - used_before > stall_limit / 100));
    seen = steps;
  }
  if (!verdict_.empty()) {
    for (const auto& thread : threads_) thread->real.detach();  // blocked forever
    return verdict_;
  }
  lock.unlock();
  for (const auto& thread : threads_) thread->real.join();
  return {};
}

int Scheduler::start(const std::string& name, std::function<void()> body) {
  const int number = thread_count();
  if (number == kMaxThreads) {
    fail("the scenario starts more than " + std::to_string(kMaxThreads) + " threads");
  }
  Thread& thread = *threads_.emplace_back(std::make_unique<Thread>());
  thread.number = number;
  thread.name = unique(name);
  thread.body = std::move(body);
  if (number > 0) races_.start(running_, number);
  thread.real = std::thread([this, &thread] { main_of(thread); });
  return number;
}

void Scheduler::begin_join(int thread) {
  if (!std::exchange(at(thread).is_joined, true)) return;
  fail(own_name() + " joins " + name_of(thread) + ", for which join() has been called before");
}

std::size_t Scheduler::running_threads() const {
  const auto is_running = [](const auto& thread) { return !thread->finished; };
  return static_cast<std::size_t>(std::ranges::count_if(threads_, is_running));
}

void Scheduler::expect_unused(std::uintptr_t begin, std::uintptr_t end, const std::string& name) {
  const auto is_in = [begin, end](const void* object) {
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    return address >= begin && address < end;
  };
  for (const auto& thread : threads_) {
    if (thread->number == running_ || thread->finished) continue;
    if (std::ranges::none_of(thread->waiting.uses, is_in)) continue;
    fail(own_name() + " destroys " + name + " while " + thread->name + " uses it");
  }
}

void Scheduler::free(const void* block, std::size_t size, Place place) {
  const auto begin = reinterpret_cast<std::uintptr_t>(block);
  expect_unused(begin, begin + size, "memory");
  for (const auto& [object, mutex] : objects_.mutexes) {
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    if (address < begin || address >= begin + size || mutex.owner < 0) continue;
    fail(own_name() + " destroys " + mutex.name + ", which " + name_of(mutex.owner) + " holds");
  }
  access(block, std::max<std::size_t>(size, 1),
         {.verb = "frees it", .is_write = true, .is_free = true, .place = place});
}

void Scheduler::access(const void* address, std::size_t size, Access access) {
  // Without hooks, an order that comes from one of std's atomics, such as the count of a
  // std::shared_ptr, is not seen, and would look like a race.
  if (!has_hooks()) return;
  access.thread = running_;
  const auto race = races_.access(reinterpret_cast<std::uintptr_t>(address), size, access);
  if (!race) return;
  fail(race_text(race->earlier, name_of(race->earlier.thread), race->later, own_name(),
                 objects_.name_of(address)));
}

void Scheduler::main_of(Thread& thread) {
  t_inside = 1;
  t_scheduler = this;
  thread_local EndOfThread end(*this);
  wait_until_scheduled(thread);
  goes_on(thread);
  t_number = thread.number;
  try {
    run_body(thread);
  } catch (...) {
    fail("an exception escaped from thread " + thread.name + text_of(std::current_exception()) +
         ": outside the lab, that calls std::terminate");
  }
  t_inside = 0;  // for the destructors of thread_local objects
}

void Scheduler::run_body(Thread& thread) {
  const Outside outside;
  thread.body();
  thread.body = nullptr;  // its destructor may use lab types, too
}

void Scheduler::finish() {
  Thread& self = at(running_);
  if (self.locks_held > 0) fail(self.name + " exits while it holds a lock");
  if (running_ != 0 && self.has_effect) {
    plan("exits", nullptr, {});
    step();
  }
  self.finished = true;
  if (running_ != 0) tell("exits");

  const auto is_running = [](const auto& thread) { return !thread->finished; };
  const auto left = std::ranges::find_if(threads_, is_running);
  if (left == threads_.end()) return end("");
  if (at(0).finished) fail("the scenario returned while " + (*left)->name + " is still running");
  running_ = choose().thread;
  run_next(running_);
}

void Scheduler::step(Waiting waiting) {
  if (++steps_ > options_.max_steps) {
    fail("no end after " + std::to_string(options_.max_steps) + " steps, the last one of " +
         own_name() + ": a thread loops forever");
  }
  const int self = running_;
  Thread& thread = at(self);
  thread.waiting = std::move(waiting);
  if (thread.waiting.gives_way) {
    for (const auto& other : threads_) {
      if (other->number != self && can_go_on(*other)) thread.gives_way_to.push_back(other->number);
    }
  }
  running_ = choose().thread;
  if (running_ != self) {
    run_next(running_);
    wait_until_scheduled(thread);
  }
  goes_on(thread);
  thread.waiting = {};
  thread.plan.verb = "goes on";
  thread.plan.object = nullptr;
}

// The thread makes a step now.
void Scheduler::goes_on(Thread& thread) {
  thread.has_effect = false;
  thread.gives_way_to.clear();
  for (const auto& other : threads_) std::erase(other->gives_way_to, thread.number);
}

bool Scheduler::has_to_give_way(const Thread& thread) const {
  return std::ranges::any_of(thread.gives_way_to,
                             [this](int other) { return can_go_on(at(other)); });
}

std::vector<Choice> Scheduler::choices() {
  const bool can_stay = can_go_on(at(running_));
  const bool may_stay = can_stay && !has_to_give_way(at(running_));
  std::vector<Choice> result;
  std::vector<Choice> preemptions;
  if (may_stay) result.push_back({.thread = running_});
  for (const auto& it : threads_) {
    if (it->number == running_ || !can_go_on(*it)) continue;
    const bool is_preemption = may_stay || has_to_give_way(*it);
    (is_preemption ? preemptions : result)
        .push_back({.thread = it->number, .preemption = is_preemption});
  }
  if (can_stay && !may_stay) preemptions.push_back({.thread = running_, .preemption = true});
  result.insert(result.end(), preemptions.begin(), preemptions.end());
  const std::vector<int> sleepers = next_timeouts();
  const bool only_time_passes = result.empty();
  if (only_time_passes) {
    if (sleepers.empty()) return result;
    result.push_back({.thread = sleepers[0], .timeout = true});
  }

  if (spurious_wakeups_ < options_.max_spurious_wakeups) {
    for (const auto& it : threads_) {
      if (it->finished || it->waiting.can_go_on() || !it->waiting.can_wake_spuriously()) continue;
      result.push_back({.thread = it->number, .preemption = may_stay, .spurious = true});
    }
  }
  // A thread that could run may be so slow that the next timeout passes first.
  if (options_.early_timeouts && !only_time_passes) {
    for (const int sleeper : sleepers) {
      result.push_back({.thread = sleeper, .preemption = true, .timeout = true});
    }
    // Or it passes, and this thread goes on nevertheless.
    if (may_stay && !sleepers.empty()) {
      result.push_back({.thread = running_, .preemption = true, .timeout = true});
    }
  }
  return result;
}

// The threads with the earliest timeout that has not passed yet.
std::vector<int> Scheduler::next_timeouts() const {
  std::vector<int> next;
  for (const auto& it : threads_) {
    if (it->finished || !it->waiting.until || *it->waiting.until <= now_) continue;
    if (!next.empty() && *it->waiting.until < *at(next[0]).waiting.until) next.clear();
    if (next.empty() || *it->waiting.until == *at(next[0]).waiting.until) {
      next.push_back(it->number);
    }
  }
  return next;
}

Choice Scheduler::choose() {
  const std::vector<Choice> possible = choices();
  if (possible.empty()) fail(deadlock());
  const Choice choice =
      possible.size() == 1
          ? possible[0]
          : possible[ask(possible, [this](const Choice& it) { return text_of_step(it); })];
  if (choice.timeout) {
    now_ = *at(next_timeouts()[0]).waiting.until;
    // Its timeout has passed, but another thread may hold the lock that it needs; or, where no
    // thread could run, another one has the same timeout.
    if (!choice.preemption || !can_go_on(at(choice.thread))) return choose();
  }
  if (choice.spurious) {
    ++spurious_wakeups_;
    tell_of(choice.thread, "has a spurious wake-up", {});
  }
  return choice;
}

bool Scheduler::fails_spuriously() {
  if (spurious_wakeups_ == options_.max_spurious_wakeups) return false;
  const auto text = [](const Choice& it) { return it.spurious ? "fails" : "succeeds"; };
  if (ask({{.thread = running_}, {.thread = running_, .spurious = true}}, text) == 0) return false;
  ++spurious_wakeups_;
  return true;
}

int Scheduler::any_of(const std::vector<int>& threads) {
  if (threads.size() == 1) return threads[0];
  std::vector<Choice> possible;
  for (const int thread : threads) possible.push_back({.thread = thread});
  return possible[ask(possible, [this](const Choice& it) { return "wakes " + name_of(it.thread); })]
      .thread;
}

std::size_t Scheduler::any_older_value(std::size_t values) {
  if (values < 2) return 0;
  std::vector<Choice> possible(values, {.thread = running_, .preemption = true});
  possible[0].preemption = false;
  return ask(possible, [](const Choice& it) {
    return it.preemption ? "sees an older value" : "sees the newest value";
  });
}

std::string Scheduler::unique(const std::string& name) {
  const auto same = std::ranges::count(names_, name);
  names_.push_back(name);
  return same == 0 ? name : name + " " + std::to_string(same + 1);
}

void Scheduler::fail(const std::string& verdict) {
  end(verdict.empty() ? "a check failed" : verdict);
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
  Thread& next = at(thread);
  {
    const std::lock_guard lock(mutex_);
    next_ = &next;
  }
  next.scheduled.notify_one();  // not under the lock, for which the thread would only wait
}

// Uses only its own Thread until it is scheduled.
void Scheduler::wait_until_scheduled(Thread& thread) {
  std::unique_lock lock(mutex_);
  thread.scheduled.wait(lock, [this, &thread] { return next_ == &thread; });
}

}  // namespace worker_pool::lab
