// The functions that std::mutex and std::condition_variable are made of on Linux. Code under test
// operates on the scheduler's mutexes; for everything else these are the system's functions.
#include <errno.h>
#include <pthread.h>

#include <map>
#include <optional>
#include <string>

#include "testing/lab/engine/callers.h"
#include "testing/lab/engine/inside.h"
#include "testing/lab/engine/real.h"
#include "testing/lab/engine/scheduler.h"
#include "testing/lab/engine/sync.h"
#include "testing/lab/engine/virtual_clock.h"

namespace worker_pool::lab {
namespace {

bool is_recursive(const pthread_mutex_t* mutex) {
  return (mutex->__data.__kind & 3) == PTHREAD_MUTEX_RECURSIVE;
}

// The state of an object, named when it is first used: the object is not constructed by a hook.
template <class State>
State& find(std::map<const void*, State>& states, const sync::Operation& op,
            const std::string& type) {
  const auto [it, is_new] = states.try_emplace(op.object);
  if (is_new) it->second.name = op.scheduler.unique(name_in_source(op.place, type));
  return it->second;
}

sync::Operation operation(const void* object, std::uintptr_t from) {
  return {.scheduler = Scheduler::current(),
          .object = object,
          .place = place_in_program(from),
          .is_told = true};
}

Mutex& mutex_of(const sync::Operation& op) {
  return find(op.scheduler.objects().mutexes, op, "mutex");
}

ConditionVariable& condition_of(const sync::Operation& op) {
  return find(op.scheduler.objects().condition_variables, op, "condition variable");
}

int lock(pthread_mutex_t* mutex, std::optional<Time> until, std::uintptr_t from) {
  const Inside inside;
  const sync::Operation op = operation(mutex, from);
  Mutex& state = mutex_of(op);
  if (state.owner == op.scheduler.self() && is_recursive(mutex)) return ++state.depth, 0;
  if (!sync::lock(op, state, until)) return ETIMEDOUT;
  op.scheduler.tell("locks " + state.name, op.place);
  return 0;
}

int try_lock(pthread_mutex_t* mutex, std::uintptr_t from) {
  const Inside inside;
  const sync::Operation op = operation(mutex, from);
  Mutex& state = mutex_of(op);
  if (state.owner == op.scheduler.self() && is_recursive(mutex)) return ++state.depth, 0;
  return sync::try_lock(op, state) ? 0 : EBUSY;
}

int unlock(pthread_mutex_t* mutex, std::uintptr_t from) {
  const Inside inside;
  sync::Operation op = operation(mutex, from);
  // A thread that runs before this one's next point, or its exit, sees nothing else than one that
  // runs there: up to then this thread uses only plain memory, and a race on that is found in any
  // order.
  op.is_point = false;
  Mutex& state = mutex_of(op);
  if (state.depth > 0 && state.owner == op.scheduler.self()) return --state.depth, 0;
  sync::unlock(op, state);
  return 0;
}

int wait(pthread_cond_t* condition, pthread_mutex_t* mutex, std::optional<Time> until,
         std::uintptr_t from) {
  const Inside inside;
  const sync::Operation op = operation(condition, from);
  const sync::Operation on_mutex{.scheduler = op.scheduler, .object = mutex, .place = op.place};
  return sync::wait(op, condition_of(op), mutex, mutex_of(on_mutex), until) ? 0 : ETIMEDOUT;
}

int notify(pthread_cond_t* condition, bool all, std::uintptr_t from) {
  const Inside inside;
  const sync::Operation op = operation(condition, from);
  all ? sync::notify_all(op, condition_of(op)) : sync::notify_one(op, condition_of(op));
  return 0;
}

int destroy(pthread_cond_t* condition, std::uintptr_t from) {
  const Inside inside;
  const sync::Operation op = operation(condition, from);
  sync::destroy(op, condition_of(op));
  op.scheduler.objects().condition_variables.erase(condition);
  return 0;
}

}  // namespace
}  // namespace worker_pool::lab

using namespace worker_pool::lab;  // the functions below have no namespace

extern "C" {

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  if (!is_under_test()) return real<&pthread_mutex_lock>("pthread_mutex_lock")(mutex);
  return lock(mutex, std::nullopt, return_address());
}

int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* until) {
  if (!is_under_test())
    return real<&pthread_mutex_timedlock>("pthread_mutex_timedlock")(mutex, until);
  return lock(mutex, to_virtual(until), return_address());
}

int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* until) {
  if (!is_under_test())
    return real<&pthread_mutex_clocklock>("pthread_mutex_clocklock")(mutex, clock, until);
  return lock(mutex, to_virtual(until), return_address());
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) {
  if (!is_under_test()) return real<&pthread_mutex_trylock>("pthread_mutex_trylock")(mutex);
  return try_lock(mutex, return_address());
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) {
  if (!is_under_test()) return real<&pthread_mutex_unlock>("pthread_mutex_unlock")(mutex);
  return unlock(mutex, return_address());
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  if (!is_under_test()) return real<&pthread_cond_wait>("pthread_cond_wait")(condition, mutex);
  return wait(condition, mutex, std::nullopt, return_address());
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
  if (!is_under_test())
    return real<&pthread_cond_timedwait>("pthread_cond_timedwait")(condition, mutex, until);
  return wait(condition, mutex, to_virtual(until), return_address());
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  if (!is_under_test())
    return real<&pthread_cond_clockwait>("pthread_cond_clockwait")(condition, mutex, clock, until);
  return wait(condition, mutex, to_virtual(until), return_address());
}

int pthread_cond_signal(pthread_cond_t* condition) {
  if (!is_under_test()) return real<&pthread_cond_signal>("pthread_cond_signal")(condition);
  return notify(condition, false, return_address());
}

int pthread_cond_broadcast(pthread_cond_t* condition) {
  if (!is_under_test()) return real<&pthread_cond_broadcast>("pthread_cond_broadcast")(condition);
  return notify(condition, true, return_address());
}

int pthread_cond_destroy(pthread_cond_t* condition) {
  if (!is_under_test()) return real<&pthread_cond_destroy>("pthread_cond_destroy")(condition);
  return destroy(condition, return_address());
}
}
