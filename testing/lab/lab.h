// The std types of concurrency under a microscope. lab::mutex has the interface and the behavior of
// std::mutex, and so on, for code that runs inside lab::explore().
//
//   lab::mutex  lab::condition_variable  lab::atomic<T>  lab::thread  lab::jthread
//   lab::this_thread::sleep_for, sleep_until, yield    lab::steady_clock
//
// std::unique_lock, std::lock_guard and std::scoped_lock work with lab::mutex. An object can have a
// name for the story: lab::mutex mutex_{"queue lock"}, lab::atomic<bool> stop_{false, "stop"}.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>  // with std::chrono::duration: <chrono> itself takes longer to compile than a test
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "testing/lab/engine/inside.h"
#include "testing/lab/explorer.h"

namespace worker_pool::lab {

struct steady_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<steady_clock>;
  static constexpr bool is_steady = true;
  // With Options::early_timeouts, the clock may jump to another thread's timeout first.
  static time_point now();
};

// now() + time. Fails the schedule if that is more than std's clock can hold on a machine that has
// run for ten years: there, the sum overflows.
steady_clock::time_point time_after(steady_clock::duration time);

class mutex {
 public:
  mutex() : mutex("mutex") {}
  explicit mutex(const std::string& name);
  ~mutex();
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  void lock();
  bool try_lock();
  void unlock();
};

enum class cv_status { no_timeout, timeout };

class condition_variable {
 public:
  condition_variable() : condition_variable("condition_variable") {}
  explicit condition_variable(const std::string& name);
  ~condition_variable();
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;

  void notify_one();
  void notify_all();

  void wait(std::unique_lock<mutex>& lock);

  template <class Predicate>
  void wait(std::unique_lock<mutex>& lock, Predicate done) {
    while (!done()) wait(lock);
  }

  cv_status wait_until(std::unique_lock<mutex>& lock, steady_clock::time_point time);

  template <class Predicate>
  bool wait_until(std::unique_lock<mutex>& lock, steady_clock::time_point time, Predicate done) {
    while (!done()) {
      if (wait_until(lock, time) == cv_status::timeout) return done();
    }
    return true;
  }

  cv_status wait_for(std::unique_lock<mutex>& lock, steady_clock::duration time) {
    return wait_until(lock, time_after(time));
  }

  template <class Predicate>
  bool wait_for(std::unique_lock<mutex>& lock, steady_clock::duration time, Predicate done) {
    return wait_until(lock, time_after(time), std::move(done));
  }
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
    start(name,
          std::make_unique<BodyOf<std::decay_t<F>, std::decay_t<Args>...>>(
              std::forward<F>(f), std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)));
  }
  thread(thread&& other) noexcept : number_(std::exchange(other.number_, std::nullopt)) {}
  thread& operator=(thread&& other) noexcept {
    thread taken(std::move(other));
    swap(taken);  // `taken` destroys the former thread, which must not be joinable
    return *this;
  }
  ~thread();

  bool joinable() const { return number_.has_value(); }
  void join();
  void detach();
  void swap(thread& other) noexcept { std::swap(number_, other.number_); }

 private:
  // What the thread runs. Compiles faster than a std::function that shares it.
  struct Body {
    virtual ~Body() = default;
    virtual void run() = 0;
  };
  template <class F, class... Args>
  struct BodyOf final : Body {
    BodyOf(F f, std::tuple<Args...> arguments)
        : function(std::move(f)), args(std::move(arguments)) {}
    void run() override { std::apply(std::move(function), std::move(args)); }
    F function;
    std::tuple<Args...> args;
  };
  void start(const std::string& name, std::unique_ptr<Body> body);

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

// The part of atomic<T> that does not depend on T.
class AtomicBase {
 public:
  AtomicBase(const AtomicBase&) = delete;
  AtomicBase& operator=(const AtomicBase&) = delete;

 protected:
  explicit AtomicBase(std::string name);
  ~AtomicBase();

  // Each is a point where another thread may run, before an operation on the value.
  void before_load(std::memory_order order) const;
  void before_store(std::memory_order order);
  void before_update(std::memory_order order);
  // One of the next two functions follows, depending on the comparison.
  void before_compare();
  void compare_succeeds(std::memory_order order);
  void compare_fails(std::uint64_t seen, std::memory_order order);
  bool weak_compare_fails();
  // With Options::stale_reads, a load may return the bits of an older value. changed() follows each
  // change.
  std::uint64_t load_bits(std::memory_order order, const void* value, std::size_t size) const;
  void changed(std::uint64_t before, std::uint64_t after, std::memory_order order);
  // A line of the story: "sees stop = true". Without a name there is none.
  void tell(const char* what, bool value) const;
  void tell(const char* what, long long value) const;

 private:
  const std::string name_;
};

// Every operation is a point where another thread may run. Memory orders count: a relaxed operation
// orders nothing, so that plain memory which it is meant to protect has a data race. A load sees
// the newest value. With Options::stale_reads, it may see an older one, if T has at most 8 bytes
// and no padding, and is neither float nor double. If the object has a name, every load and every
// store is a line of the story.
template <class T>
class atomic : private AtomicBase {
 public:
  atomic() : atomic(T()) {}
  explicit(false) atomic(T value) : atomic(value, "") {}  // as std::atomic: implicit
  atomic(T value, std::string name) : AtomicBase(std::move(name)), value_(value) {}

  T load(std::memory_order order = std::memory_order_seq_cst) const {
    const Inside inside;
    if constexpr (kHasBits) {
      const std::uint64_t bits = load_bits(order, &value_, sizeof value_);
      T value = value_;
      std::memcpy(&value, &bits, sizeof value);
      return told("sees", value);
    } else {
      before_load(order);
      return told("sees", value_);
    }
  }
  void store(T value, std::memory_order order = std::memory_order_seq_cst) {
    const Inside inside;
    before_store(order);
    write(value, order);
  }
  T exchange(T value, std::memory_order order = std::memory_order_seq_cst) {
    const Inside inside;
    before_update(order);
    return write(value, order);
  }
  bool compare_exchange_strong(T& expected, T desired,
                               std::memory_order order = std::memory_order_seq_cst) {
    return compare_exchange_strong(expected, desired, order, order);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order order,
                               std::memory_order order_if_it_fails) {
    const Inside inside;
    return compare_exchange(expected, desired, order, order_if_it_fails, false);
  }
  // May fail although the value is the expected one; counts as a spurious wake-up.
  bool compare_exchange_weak(T& expected, T desired,
                             std::memory_order order = std::memory_order_seq_cst) {
    return compare_exchange_weak(expected, desired, order, order);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order order,
                             std::memory_order order_if_it_fails) {
    const Inside inside;
    return compare_exchange(expected, desired, order, order_if_it_fails, true);
  }
  T fetch_add(T change, std::memory_order order = std::memory_order_seq_cst) {
    const Inside inside;
    before_update(order);
    return write(static_cast<T>(value_ + change), order);
  }
  T fetch_sub(T change, std::memory_order order = std::memory_order_seq_cst) {
    return fetch_add(static_cast<T>(-change), order);
  }
  operator T() const { return load(); }
  T operator=(T value) { return (store(value), value); }
  T operator+=(T change) { return fetch_add(change) + change; }
  T operator-=(T change) { return fetch_sub(change) - change; }
  T operator++() { return fetch_add(1) + 1; }
  T operator++(int) { return fetch_add(1); }
  T operator--() { return fetch_sub(1) - 1; }
  T operator--(int) { return fetch_sub(1); }

 private:
  static constexpr bool kHasBits =
      sizeof(T) <= sizeof(std::uint64_t) && std::has_unique_object_representations_v<T>;

  // Whether each bit belongs to the value. Padding does not, which older standard libraries compare
  // all the same, nor does what an empty optional leaves unset.
  static constexpr bool kHasValueBits = std::has_unique_object_representations_v<T> ||
                                        std::is_same_v<T, float> || std::is_same_v<T, double> ||
                                        !std::is_trivially_copyable_v<T>;  // the last: a shared_ptr

  static bool is_same(const T& a, const T& b) {
    if constexpr (std::is_trivially_copyable_v<T>) {
      return std::memcmp(&a, &b, sizeof(T)) == 0;
    } else {
      return a == b;
    }
  }

  static std::uint64_t bits_of(T value) {
    std::uint64_t bits = 0;
    if constexpr (kHasBits) std::memcpy(&bits, &value, sizeof value);
    return bits;
  }

  bool compare_exchange(T& expected, T desired, std::memory_order order,
                        std::memory_order order_if_it_fails, bool is_weak) {
    static_assert(kHasValueBits,
                  "std::atomic may compare all bits of T, and some of them, such as padding, hold "
                  "no value");
    before_compare();
    const bool is_equal = is_same(value_, expected);
    if (!is_equal || (is_weak && weak_compare_fails())) {
      compare_fails(bits_of(value_), order_if_it_fails);
      if (!is_equal) expected = told("sees", value_);
      return false;
    }
    compare_succeeds(order);
    write(desired, order);
    return true;
  }

  // Returns the value before.
  T write(T value, std::memory_order order) {
    const T before = std::exchange(value_, value);
    if constexpr (kHasBits) changed(bits_of(before), bits_of(value), order);
    told("sets", value);
    return before;
  }

  T told(const char* what, T value) const {
    if constexpr (std::is_same_v<T, bool>) {
      tell(what, value);
    } else if constexpr (std::is_arithmetic_v<T>) {
      tell(what, static_cast<long long>(value));
    }
    return value;
  }

  T value_;
};

namespace this_thread {

void yield();
void sleep_until(steady_clock::time_point time);
inline void sleep_for(steady_clock::duration time) { sleep_until(time_after(time)); }

}  // namespace this_thread

}  // namespace worker_pool::lab
