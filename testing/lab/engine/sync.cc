#include "testing/lab/engine/sync.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace worker_pool::lab::sync {
namespace {

bool is_free(const Mutex& mutex) { return mutex.owner < 0; }

std::string waiting_for(const Scheduler& scheduler, const Mutex& mutex) {
  if (is_free(mutex)) return "for " + mutex.name;
  return "for " + mutex.name + ", which " + scheduler.name_of(mutex.owner) + " holds";
}

void take(Scheduler& scheduler, Mutex& mutex) {
  mutex.owner = scheduler.self();
  scheduler.count_lock(+1);
  scheduler.races().acquire(scheduler.self(), mutex.released);
  scheduler.objects().forget_loads(scheduler.self());
}

void give_back(Scheduler& scheduler, Mutex& mutex) {
  mutex.owner = -1;
  scheduler.count_lock(-1);
  scheduler.races().release(scheduler.self(), mutex.released);
  scheduler.note_effect();
}

// The operation uses the memory of the object, which must not be destroyed before.
void use(const Operation& op, const char* verb) {
  op.scheduler.access(op.object, 1, {.verb = verb, .is_atomic = true, .place = op.place});
}

void point(const Operation& op) {
  if (op.is_point) op.scheduler.step();
}

// The oldest store that a load may return: none that is older than one which the thread knows
// about, has read, or, if both are sequentially consistent, that precedes it in their single order.
std::size_t oldest_visible(Scheduler& scheduler, const Atomic& atomic, std::memory_order order) {
  const Races& races = scheduler.races();
  const int self = scheduler.self();
  std::size_t oldest = 0;
  for (std::size_t i = 1; i < atomic.stores.size(); ++i) {
    const Atomic::Store& store = atomic.stores[i];
    const bool is_known = races.knows(self, store.thread, store.time) ||
                          races.fences_show(self, store.thread, store.time, order);
    const bool is_earlier = order == std::memory_order_seq_cst && store.is_seq_cst;
    if (is_known || is_earlier) oldest = i;
  }
  for (const Atomic::Load& load : atomic.loads) {
    const bool is_earlier = order == std::memory_order_seq_cst && load.is_seq_cst;
    if (is_earlier || races.knows(self, load.thread, load.time)) {
      oldest = std::max(oldest, load.store);
    }
  }
  return oldest;
}

// The running thread's load has returned the value of that store.
void remember_seen(Scheduler& scheduler, Atomic& atomic, std::size_t store,
                   std::memory_order order) {
  atomic.loads.push_back({.thread = scheduler.self(),
                          .time = scheduler.races().time(scheduler.self()),
                          .is_seq_cst = order == std::memory_order_seq_cst,
                          .store = store});
}

VectorClock& released(const Operation& op) {
  return op.scheduler.objects().atomics[op.object].released;
}

void write_atomic(const Operation& op, std::size_t size) {
  op.scheduler.access(op.object, size,
                      {.verb = "writes", .is_write = true, .is_atomic = true, .place = op.place});
  op.scheduler.note_effect();
}

void wake_one(const Operation& op, ConditionVariable& condition) {
  Scheduler& scheduler = op.scheduler;
  std::vector<Sleeper*>& sleepers = condition.sleepers;
  if (sleepers.empty()) {
    return scheduler.tell("notifies " + condition.name + ": no thread is waiting", op.told());
  }
  std::vector<int> threads;
  for (const Sleeper* sleeper : sleepers) threads.push_back(sleeper->thread);
  const int woken = scheduler.any_of(threads);
  scheduler.tell("notifies " + condition.name + ": wakes " + scheduler.name_of(woken), op.told());
  const auto sleeper = std::ranges::find(sleepers, woken, &Sleeper::thread);
  (*sleeper)->notified = true;
  sleepers.erase(sleeper);
}

void wake_all(const Operation& op, ConditionVariable& condition) {
  std::string names;
  for (Sleeper* sleeper : condition.sleepers) {
    names += (names.empty() ? "" : ", ") + op.scheduler.name_of(sleeper->thread);
    sleeper->notified = true;
  }
  condition.sleepers.clear();
  op.scheduler.tell("notifies all on " + condition.name + ": " +
                        (names.empty() ? "no thread is waiting" : "wakes " + names),
                    op.told());
}

void wake_sleepers(const Operation& op, ConditionVariable& condition, bool all) {
  op.scheduler.note_effect();
  all ? wake_all(op, condition) : wake_one(op, condition);
}

// Whether an operation that may fail for no reason does so now. If so, the story says `what`.
bool fails_spuriously(const Operation& op, const std::string& what) {
  if (!op.scheduler.fails_spuriously()) return false;
  op.scheduler.tell(what, op.told());
  return true;
}

void destroy(const Operation& op, const std::string& name) {
  const auto address = reinterpret_cast<std::uintptr_t>(op.object);
  op.scheduler.expect_unused(address, address + 1, name);
  op.scheduler.access(op.object, 1, {.verb = "destroys it", .is_write = true, .place = op.place});
}

}  // namespace

bool lock(const Operation& op, Mutex& mutex, std::optional<Time> until) {
  Scheduler& scheduler = op.scheduler;
  if (mutex.owner == scheduler.self()) {
    scheduler.fail(scheduler.own_name() + " locks " + mutex.name + ", which it holds already");
  }
  if (until) scheduler.note_try_lock();
  if (!is_free(mutex)) scheduler.tell("waits " + waiting_for(scheduler, mutex), op.told());
  const auto timed_out = [&] { return until && scheduler.now() >= *until; };
  scheduler.step({.can_go_on = [&] { return is_free(mutex) || timed_out(); },
                  .reason = [&] { return waiting_for(scheduler, mutex); },
                  .until = until,
                  .uses = {op.object}});
  if (!is_free(mutex)) return false;
  use(op, "locks it");
  take(scheduler, mutex);
  return true;
}

bool try_lock(const Operation& op, Mutex& mutex) {
  Scheduler& scheduler = op.scheduler;
  scheduler.note_try_lock();
  scheduler.step({.uses = {op.object}});
  use(op, "locks it");
  if (!is_free(mutex)) return false;
  if (fails_spuriously(op, "fails to lock " + mutex.name + ", which is free: try_lock() may")) {
    return false;
  }
  take(scheduler, mutex);
  return true;
}

void unlock(const Operation& op, Mutex& mutex) {
  Scheduler& scheduler = op.scheduler;
  if (mutex.owner != scheduler.self()) {
    scheduler.fail(scheduler.own_name() + " unlocks " + mutex.name + ", which it does not hold");
  }
  if (scheduler.shows_held_locks()) scheduler.step({.uses = {op.object}});
  use(op, "unlocks it");
  give_back(scheduler, mutex);
  point(op);  // does not use the mutex: another thread may destroy it now
}

void destroy(const Operation& op, const Mutex& mutex) {
  if (!is_free(mutex)) {
    op.scheduler.fail(op.scheduler.own_name() + " destroys " + mutex.name + ", which " +
                      op.scheduler.name_of(mutex.owner) + " holds");
  }
  destroy(op, mutex.name);
}

bool wait(const Operation& op, ConditionVariable& condition, const void* mutex_object, Mutex& mutex,
          std::optional<Time> until) {
  Scheduler& scheduler = op.scheduler;
  scheduler.step({.uses = {op.object}});  // between checking the condition and going to sleep
  if (mutex.owner != scheduler.self()) {
    scheduler.fail(scheduler.own_name() + " waits on " + condition.name + " without holding " +
                   mutex.name);
  }
  for (const Sleeper* sleeper : condition.sleepers) {
    if (sleeper->mutex == mutex_object) continue;
    scheduler.fail(scheduler.own_name() + " waits on " + condition.name + " with " + mutex.name +
                   ", and " + scheduler.name_of(sleeper->thread) +
                   " with another mutex: std::condition_variable does not allow that");
  }
  // Not remembered: once notified, another thread may destroy the object.
  scheduler.access(
      op.object, 1,
      {.verb = "waits on it", .is_atomic = true, .is_forgotten = true, .place = op.place});
  scheduler.tell("goes to sleep on " + condition.name, op.told());
  Sleeper self{.thread = scheduler.self(), .mutex = mutex_object};
  condition.sleepers.push_back(&self);
  const std::string name = condition.name;  // once notified, the object may be destroyed
  give_back(scheduler, mutex);

  const auto timed_out = [&] { return until && scheduler.now() >= *until; };
  const auto is_awake = [&] { return self.notified || timed_out(); };
  scheduler.plan("wakes up", nullptr, op.place);
  scheduler.step({
      .can_go_on = [&] { return is_awake() && is_free(mutex); },
      .reason = [&] { return is_awake() ? waiting_for(scheduler, mutex) : "on " + name; },
      .until = until,
      .can_wake_spuriously = [&] { return !is_awake() && is_free(mutex); },
      .uses = {mutex_object},
  });

  if (!self.notified) std::erase(condition.sleepers, &self);
  scheduler.access(mutex_object, 1, {.verb = "locks it", .is_atomic = true, .place = op.place});
  take(scheduler, mutex);
  // As in std, the clock decides, even if a notification came first and the lock too late.
  const char* const late =
      self.notified ? "wakes up: notified, but too late" : "wakes up: timed out";
  scheduler.tell(timed_out() ? late : "wakes up", op.told());
  return !timed_out();
}

void notify_one(const Operation& op, ConditionVariable& condition) {
  op.scheduler.step({.uses = {op.object}});
  use(op, "notifies it");
  wake_sleepers(op, condition, false);
}

void notify_all(const Operation& op, ConditionVariable& condition) {
  op.scheduler.step({.uses = {op.object}});
  use(op, "notifies it");
  wake_sleepers(op, condition, true);
}

void destroy(const Operation& op, const ConditionVariable& condition) {
  if (!condition.sleepers.empty()) {
    op.scheduler.fail(op.scheduler.own_name() + " destroys " + condition.name + " while " +
                      op.scheduler.name_of(condition.sleepers[0]->thread) + " waits on it");
  }
  destroy(op, condition.name);
}

void before_load(const Operation& op, std::size_t size, std::memory_order order) {
  point(op);
  op.scheduler.access(op.object, size, {.is_atomic = true, .place = op.place});
  order_load(op, order);
}

void before_store(const Operation& op, std::size_t size, std::memory_order order) {
  point(op);
  write_atomic(op, size);
  op.scheduler.races().store(op.scheduler.self(), released(op), order);
}

void before_update(const Operation& op, std::size_t size, std::memory_order order) {
  point(op);
  compare_succeeds(op, size, order);
}

void before_compare(const Operation& op, std::size_t size) {
  point(op);
  op.scheduler.access(op.object, size, {.is_atomic = true, .place = op.place});
}

void compare_succeeds(const Operation& op, std::size_t size, std::memory_order order) {
  write_atomic(op, size);
  order_update(op, order);
}

void compare_fails(const Operation& op, std::uint64_t seen, std::memory_order order) {
  Scheduler& scheduler = op.scheduler;
  order_load(op, order);
  scheduler.objects().remember_load(scheduler.self(), op.object, seen);
  if (!scheduler.options().stale_reads) return;
  Atomic& atomic = scheduler.objects().atomics[op.object];
  if (atomic.stores.empty()) return;  // there is no older value
  remember_seen(scheduler, atomic, atomic.stores.size() - 1, order);
}

bool weak_compare_fails(const Operation& op) {
  return fails_spuriously(
      op, "fails in compare_exchange_weak(), although the value is the expected one: it may");
}

// A thread that sees the same value for the third time waits for another thread to change it.
void give_way_if_spinning(const Operation& op, std::uint64_t value) {
  Scheduler& scheduler = op.scheduler;
  if (!scheduler.objects().is_spinning(scheduler.self(), op.object, value)) return;
  scheduler.step({.gives_way = true});
}

void order_load(const Operation& op, std::memory_order order) {
  op.scheduler.races().load(op.scheduler.self(), released(op), order);
}

void order_update(const Operation& op, std::memory_order order) {
  op.scheduler.races().update(op.scheduler.self(), released(op), order);
}

std::uint64_t load(const Operation& op, std::size_t size, std::memory_order order,
                   const std::function<std::uint64_t()>& read_newest) {
  Scheduler& scheduler = op.scheduler;
  give_way_if_spinning(op, read_newest());
  point(op);
  scheduler.access(op.object, size, {.is_atomic = true, .place = op.place});
  const std::uint64_t newest = read_newest();
  if (!scheduler.options().stale_reads) {
    order_load(op, order);
    scheduler.objects().remember_load(scheduler.self(), op.object, newest);
    return newest;
  }
  Atomic& atomic = scheduler.objects().atomics[op.object];
  // Something that no hook sees, such as a memset(), may have stored a value.
  if (atomic.stores.empty() || atomic.stores.back().value != newest) {
    atomic.stores.clear();
    atomic.stores.push_back({.value = newest, .released = atomic.released});
    atomic.loads.clear();
  }
  const std::size_t last = atomic.stores.size() - 1;
  const std::size_t first = op.is_point ? oldest_visible(scheduler, atomic, order) : last;
  const std::size_t chosen = last - scheduler.any_older_value(last - first + 1);
  const Atomic::Store& store = atomic.stores[chosen];
  if (chosen != last) scheduler.tell("sees an old value of an atomic", op.told());
  scheduler.races().load(scheduler.self(), store.released, order);
  remember_seen(scheduler, atomic, chosen, order);
  scheduler.objects().remember_load(scheduler.self(), op.object, store.value);
  return store.value;
}

void remember_store(const Operation& op, std::uint64_t before, std::uint64_t after,
                    std::memory_order order) {
  Scheduler& scheduler = op.scheduler;
  // An update that changes nothing, such as the test_and_set() of a spin lock, may be a wait, too.
  scheduler.objects().remember_load(scheduler.self(), before == after ? op.object : nullptr,
                                    before == after ? after : 0);
  if (!scheduler.options().stale_reads) return;
  Atomic& atomic = scheduler.objects().atomics[op.object];
  if (atomic.stores.empty()) atomic.stores.push_back({.value = before});
  // Minus one: the operation has advanced the thread's clock already.
  atomic.stores.push_back({.value = after,
                           .thread = scheduler.self(),
                           .time = scheduler.races().time(scheduler.self()) - 1,
                           .is_seq_cst = order == std::memory_order_seq_cst,
                           .released = atomic.released});
}

bool sleep_on(const Operation& op, ConditionVariable& condition, std::optional<Time> until) {
  Scheduler& scheduler = op.scheduler;
  scheduler.tell("goes to sleep on " + condition.name, op.told());
  Sleeper self{.thread = scheduler.self()};
  condition.sleepers.push_back(&self);
  const auto timed_out = [&] { return until && scheduler.now() >= *until; };
  scheduler.step({
      .can_go_on = [&] { return self.notified || timed_out(); },
      .reason = [&] { return "on " + condition.name; },
      .until = until,
      .can_wake_spuriously = [&] { return !self.notified && !timed_out(); },
  });
  if (!self.notified) std::erase(condition.sleepers, &self);
  scheduler.tell(self.notified || !timed_out() ? "wakes up" : "wakes up: timed out", op.told());
  return self.notified || !timed_out();
}

int wake(const Operation& op, ConditionVariable& condition, bool all) {
  op.scheduler.step();
  const int sleepers = static_cast<int>(condition.sleepers.size());
  wake_sleepers(op, condition, all);
  return all ? sleepers : std::min(sleepers, 1);
}

void happen(Scheduler& scheduler, Event& event) {
  event.has_happened = true;
  scheduler.note_effect();
  scheduler.races().release(scheduler.self(), event.released);
}

void await(Scheduler& scheduler, Event& event, const std::string& reason) {
  scheduler.step(
      {.can_go_on = [&] { return event.has_happened; }, .reason = [&] { return reason; }});
  scheduler.races().acquire(scheduler.self(), event.released);
}

void join(Scheduler& scheduler, int thread) {
  const std::string what = "for " + scheduler.name_of(thread) + " to exit";
  scheduler.begin_join(thread);
  if (!scheduler.has_finished(thread)) scheduler.tell("waits " + what);
  scheduler.step({.can_go_on = [&] { return scheduler.has_finished(thread); },
                  .reason = [&] { return what; }});
  scheduler.join(thread);
}

void sleep_until(Scheduler& scheduler, Time until) {
  scheduler.tell("sleeps for " + duration_text(std::max(until, scheduler.now()) - scheduler.now()));
  scheduler.step({.can_go_on = [&] { return scheduler.now() >= until; },
                  .reason = [] { return std::string("for the clock"); },
                  .until = until});
}

}  // namespace worker_pool::lab::sync
