// The std types of concurrency under a microscope. lab::mutex has the interface and the behavior of
// std::mutex, and so on, for code that runs inside lab::explore().
//
//   lab::mutex  lab::condition_variable  lab::atomic<T>  lab::thread  lab::jthread
//   lab::this_thread::sleep_for, sleep_until, yield    lab::steady_clock
//
// std::unique_lock, std::lock_guard and std::scoped_lock work with lab::mutex. An object can have a
// name for the story: lab::mutex mutex_{"queue lock"}, lab::atomic<bool> stop_{false, "stop"}.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "testing/lab/scheduler.h"

namespace worker_pool::lab {

struct steady_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<steady_clock>;
  static constexpr bool is_steady = true;
  static time_point now() { return time_point(Scheduler::current().now()); }
};

class mutex {
 public:
  mutex() : mutex("mutex") {}
  explicit mutex(const std::string& name) : name_(Scheduler::current().unique(name)) {
    Scheduler::current().born(this);
  }
  ~mutex();
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  void lock();
  bool try_lock();
  void unlock();

 private:
  friend class condition_variable;

  bool is_free() const { return !owner_.has_value(); }
  void take();
  void give_back();
  std::string waiting_for() const;

  const std::string name_;
  std::optional<int> owner_;
};

enum class cv_status { no_timeout, timeout };

class condition_variable {
 public:
  condition_variable() : condition_variable("condition_variable") {}
  explicit condition_variable(const std::string& name) : name_(Scheduler::current().unique(name)) {
    Scheduler::current().born(this);
  }
  ~condition_variable();
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;

  void notify_one();
  void notify_all();

  void wait(std::unique_lock<mutex>& lock) { wait_until_time(lock, std::nullopt); }

  template <class Predicate>
  void wait(std::unique_lock<mutex>& lock, Predicate done) {
    while (!done()) wait(lock);
  }

  cv_status wait_until(std::unique_lock<mutex>& lock, steady_clock::time_point time) {
    return wait_until_time(lock, time.time_since_epoch());
  }

  template <class Predicate>
  bool wait_until(std::unique_lock<mutex>& lock, steady_clock::time_point time, Predicate done) {
    while (!done()) {
      if (wait_until(lock, time) == cv_status::timeout) return done();
    }
    return true;
  }

  cv_status wait_for(std::unique_lock<mutex>& lock, steady_clock::duration time) {
    return wait_until(lock, steady_clock::now() + time);
  }

  template <class Predicate>
  bool wait_for(std::unique_lock<mutex>& lock, steady_clock::duration time, Predicate done) {
    return wait_until(lock, steady_clock::now() + time, std::move(done));
  }

 private:
  struct Waiter {
    int thread;
    bool notified = false;
  };

  cv_status wait_until_time(std::unique_lock<mutex>& lock, std::optional<Time> until);

  const std::string name_;
  std::vector<Waiter*> waiters_;  // not notified yet
};

class thread {
 public:
  thread() = default;
  // Optionally, a name for the story comes first: lab::thread("worker", [] { ... }).
  template <class F, class... Args>
    requires std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>
  explicit thread(F&& f, Args&&... args)
      : thread(std::string("thread"), std::forward<F>(f), std::forward<Args>(args)...) {}
  template <class F, class... Args>
    requires std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>
  explicit thread(const std::string& name, F&& f, Args&&... args) {
    start(name, [f = std::decay_t<F>(std::forward<F>(f)),
                 args = std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)]() mutable {
      std::apply(std::move(f), std::move(args));
    });
  }
  thread(thread&& other) noexcept : number_(std::exchange(other.number_, std::nullopt)) {}
  thread& operator=(thread&& other) noexcept;
  ~thread();

  bool joinable() const { return number_.has_value(); }
  void join();
  void detach() { number_.reset(); }
  void swap(thread& other) noexcept { std::swap(number_, other.number_); }

 private:
  template <class Body>
  void start(const std::string& name, Body body) {
    // Shared, because std::function needs a copyable body. The new thread has the only owner.
    number_ = Scheduler::current().start(
        name, [shared = std::make_shared<Body>(std::move(body))] { (*shared)(); });
    Scheduler::current().step();  // the new thread may be the first to run
  }

  std::optional<int> number_;
};

// A thread whose destructor joins it. Unlike std::jthread it has no stop token.
class jthread : public thread {
 public:
  using thread::thread;
  jthread(jthread&&) noexcept = default;
  jthread& operator=(jthread&& other) noexcept {
    jthread taken(std::move(other));
    thread::swap(taken);  // `taken` joins the former thread
    return *this;
  }
  ~jthread() {
    if (joinable()) join();
  }
};

// Every operation is sequentially consistent, whatever memory order it asks for, and is a point
// where another thread may run. If the object has a name, every load and every store is a line of
// the story.
template <class T>
class atomic {
 public:
  atomic() = default;
  explicit(false) atomic(T value) : value_(value) {}  // as std::atomic: implicit
  atomic(T value, const std::string& name) : name_(name), value_(value) {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(std::memory_order = std::memory_order_seq_cst) const {
    point();
    tell("sees");
    return value_;
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) { (void)exchange(value); }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) {
    point();
    const T before = std::exchange(value_, value);
    tell("sets");
    return before;
  }
  bool compare_exchange_strong(T& expected, T desired) {
    point();
    if (value_ != expected) {
      tell("sees");
      expected = value_;
      return false;
    }
    value_ = desired;
    tell("sets");
    return true;
  }
  T fetch_add(T change, std::memory_order = std::memory_order_seq_cst) {
    point();
    const T before = std::exchange(value_, value_ + change);
    tell("sets");
    return before;
  }
  T fetch_sub(T change, std::memory_order = std::memory_order_seq_cst) {
    return fetch_add(static_cast<T>(-change));
  }
  operator T() const { return load(); }
  T operator=(T value) { return (store(value), value); }
  T operator++() { return fetch_add(1) + 1; }
  T operator++(int) { return fetch_add(1); }
  T operator--() { return fetch_sub(1) - 1; }
  T operator--(int) { return fetch_sub(1); }

 private:
  static void point() {
    Scheduler::current().step();
    Scheduler::current().count_synchronization();
  }

  void tell(const std::string& what) const {
    if (name_.empty()) return;
    if constexpr (std::is_same_v<T, bool>) {
      Scheduler::current().tell(what + " " + name_ + " = " + (value_ ? "true" : "false"));
    } else if constexpr (std::is_arithmetic_v<T>) {
      Scheduler::current().tell(what + " " + name_ + " = " + std::to_string(value_));
    }
  }

  std::string name_;
  T value_{};
};

namespace this_thread {

void yield();
void sleep_until(steady_clock::time_point time);
inline void sleep_for(steady_clock::duration time) { sleep_until(steady_clock::now() + time); }

}  // namespace this_thread

}  // namespace worker_pool::lab
