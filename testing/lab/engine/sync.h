// What the types of lab.h do, and the functions of the system that std's types are made of: each
// function here is one operation of the running thread on the object at an address.
//
// Those that take a Mutex& or a ConditionVariable& expect that the object exists; find() looks it
// up. `place` is where the operation stands in the code under test, for the story and for races.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "testing/lab/engine/objects.h"
#include "testing/lab/engine/places.h"
#include "testing/lab/engine/scheduler.h"

namespace worker_pool::lab::sync {

// An operation: who does it, on what, and where.
struct Operation {
  Scheduler& scheduler;
  const void* object;
  Place place;
  bool is_told = false;  // whether the story names the place
  bool is_point = true;  // whether another thread may run before an atomic, or after an unlock()

  Place told() const { return is_told ? place : Place{}; }
};

// Returns false if `until` passes first. Fails the schedule if the thread holds the mutex already.
bool lock(const Operation& op, Mutex& mutex, std::optional<Time> until = std::nullopt);
bool try_lock(const Operation& op, Mutex& mutex);
void unlock(const Operation& op, Mutex& mutex);
void destroy(const Operation& op, const Mutex& mutex);

// Waits once. Returns false if `until` passes first.
bool wait(const Operation& op, ConditionVariable& condition, const void* mutex_object, Mutex& mutex,
          std::optional<Time> until);
void notify_one(const Operation& op, ConditionVariable& condition);
void notify_all(const Operation& op, ConditionVariable& condition);
void destroy(const Operation& op, const ConditionVariable& condition);

// --- Atomics: `size` is that of the value, in bytes ---

// Each is a point where another thread may run. Then it orders the thread as that operation does.
// The caller operates on the value next.
void before_load(const Operation& op, std::size_t size, std::memory_order order);
void before_store(const Operation& op, std::size_t size, std::memory_order order);
void before_update(const Operation& op, std::size_t size, std::memory_order order);
// The same for a compare-exchange: the caller says later which of the two it was.
void before_compare(const Operation& op, std::size_t size);
void compare_succeeds(const Operation& op, std::size_t size, std::memory_order order);
void compare_fails(const Operation& op, std::uint64_t seen, std::memory_order order);
// Whether a compare_exchange_weak() fails although the value is the expected one, as it may.
bool weak_compare_fails(const Operation& op);
// For an operation that leaves `value` as it is.
void give_way_if_spinning(const Operation& op, std::uint64_t value);
void order_load(const Operation& op, std::memory_order order);
void order_update(const Operation& op, std::memory_order order);

// With Options::stale_reads, a load may return an older value, as C++ allows: any that was not
// overwritten by something that the thread knows. remember_store() follows each change.
std::uint64_t load(const Operation& op, std::size_t size, std::memory_order order,
                   const std::function<std::uint64_t()>& read_newest);
void remember_store(const Operation& op, std::uint64_t before, std::uint64_t after,
                    std::memory_order order);

// --- Futexes: they wait without a mutex ---

// Sleeps until another thread wakes it, or spuriously. Returns false if `until` passes first.
bool sleep_on(const Operation& op, ConditionVariable& condition, std::optional<Time> until);
// Wakes one thread or all that sleep. Returns how many.
int wake(const Operation& op, ConditionVariable& condition, bool all);

void happen(Scheduler& scheduler, Event& event);
void await(Scheduler& scheduler, Event& event, const std::string& reason);

void join(Scheduler& scheduler, int thread);
void sleep_until(Scheduler& scheduler, Time until);

}  // namespace worker_pool::lab::sync
