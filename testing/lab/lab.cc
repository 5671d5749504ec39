#include "testing/lab/lab.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "testing/lab/engine/scheduler.h"
#include "testing/lab/engine/sync.h"

namespace worker_pool::lab {
namespace {

// Returns the state of the object, which a lab type has registered when it was constructed. Fails
// the schedule if there is none: for example, if a thread starts before the members that it uses
// are constructed.
template <class State>
State& find(Scheduler& scheduler, std::map<const void*, State>& states, const void* object,
            const std::string& type) {
  const auto it = states.find(object);
  if (it != states.end()) return it->second;
  scheduler.fail(scheduler.own_name() + " uses a " + type +
                 " that does not exist yet, has been destroyed, or is of another schedule (is it "
                 "a static variable?)");
}

template <class State>
void construct(std::map<const void*, State>& states, const void* object, const std::string& name,
               Place place) {
  Scheduler& scheduler = Scheduler::current();
  scheduler.access(object, 1, {.verb = "constructs it", .is_write = true, .place = place});
  states[object] = {.name = scheduler.unique(name)};
}

// Reports that join() or detach() changes the object. This file is compiled without hooks.
void report_write(const thread& object, const char* verb, Place place) {
  Scheduler::current().access(&object, sizeof object,
                              {.verb = verb, .is_write = true, .place = place});
}

Place place_of(std::uintptr_t address) { return {.address = address, .stack = t_stack}; }

// An operation at the place where the code under test calls the lab. A Recorder is told what it is.
sync::Operation operation(const char* verb, const void* object, std::uintptr_t address) {
  Scheduler& scheduler = Scheduler::current();
  const Place place = place_of(address);
  scheduler.plan(verb, object, place);
  return {scheduler, object, place};
}

// A compare_exchange() that fails only loads.
std::memory_order order_of_failure(std::memory_order order) {
  if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
  if (order == std::memory_order_release) return std::memory_order_relaxed;
  return order;
}

Mutex& state_of(const mutex* object) {
  Scheduler& scheduler = Scheduler::current();
  return find(scheduler, scheduler.objects().mutexes, object, "mutex");
}

ConditionVariable& state_of(const condition_variable* object) {
  Scheduler& scheduler = Scheduler::current();
  return find(scheduler, scheduler.objects().condition_variables, object, "condition variable");
}

}  // namespace

steady_clock::time_point steady_clock::now() {
  const Inside inside;
  return time_point(Scheduler::current().read_clock(place_of(return_address())));
}

steady_clock::time_point time_after(steady_clock::duration time) {
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  const Time now = scheduler.read_clock(place_of(return_address()));
  constexpr std::chrono::hours kUptime(24 * 365 * 10);
  if (time > Time::max() - kUptime - now) {
    scheduler.fail(scheduler.own_name() +
                   " waits for so long that steady_clock::now() plus this time overflows");
  }
  return steady_clock::time_point(now + time);
}

// --- mutex ---------------------------------------------------------------------------------------

mutex::mutex(const std::string& name) {
  const Inside inside;
  construct(Scheduler::current().objects().mutexes, this, name, place_of(return_address()));
}

mutex::~mutex() {
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  sync::destroy({scheduler, this, place_of(return_address())}, state_of(this));
  scheduler.objects().mutexes.erase(this);
}

void mutex::lock() {
  const Inside inside;
  const sync::Operation op = operation("locks", this, return_address());
  Mutex& state = state_of(this);
  sync::lock(op, state);
  op.scheduler.tell_recorder("locks", state.name);
}

bool mutex::try_lock() {
  const Inside inside;
  return sync::try_lock(operation("tries to lock", this, return_address()), state_of(this));
}

void mutex::unlock() {
  const Inside inside;
  const sync::Operation op = operation("goes on", nullptr, return_address());
  Mutex& state = state_of(this);
  op.scheduler.tell_recorder("unlocks", state.name);
  sync::unlock({op.scheduler, this, op.place}, state);
}

// --- condition_variable --------------------------------------------------------------------------

condition_variable::condition_variable(const std::string& name) {
  const Inside inside;
  construct(Scheduler::current().objects().condition_variables, this, name,
            place_of(return_address()));
}

condition_variable::~condition_variable() {
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  sync::destroy({scheduler, this, place_of(return_address())}, state_of(this));
  scheduler.objects().condition_variables.erase(this);
}

void condition_variable::notify_one() {
  const Inside inside;
  sync::notify_one(operation("notifies", this, return_address()), state_of(this));
}

void condition_variable::notify_all() {
  const Inside inside;
  sync::notify_all(operation("notifies all on", this, return_address()), state_of(this));
}

void condition_variable::wait(std::unique_lock<mutex>& lock) {
  const Inside inside;
  sync::wait(operation("goes to sleep on", this, return_address()), state_of(this), lock.mutex(),
             state_of(lock.mutex()), std::nullopt);
}

cv_status condition_variable::wait_until(std::unique_lock<mutex>& lock,
                                         steady_clock::time_point time) {
  const Inside inside;
  std::optional<Time> until = time.time_since_epoch();
  if (time == steady_clock::time_point::max()) until.reset();  // never
  const bool in_time = sync::wait(operation("goes to sleep on", this, return_address()),
                                  state_of(this), lock.mutex(), state_of(lock.mutex()), until);
  return in_time ? cv_status::no_timeout : cv_status::timeout;
}

// --- thread --------------------------------------------------------------------------------------

void thread::start(const std::string& name, std::unique_ptr<Body> body) {
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  // Released, because std::function needs a copyable function.
  number_ = scheduler.start(name, [its_body = body.release()] {
    const std::unique_ptr<Body> owner(its_body);
    owner->run();
  });
  scheduler.plan("goes on", nullptr, place_of(return_address()));
  scheduler.tell_recorder("starts", scheduler.name_of(*number_));
  scheduler.step();  // the new thread may be the first to run
}

thread::~thread() {
  if (!number_) return;
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  scheduler.fail(scheduler.name_of(*number_) +
                 " was neither joined nor detached: outside the lab, that calls std::terminate");
}

void thread::join() {
  const Inside inside;
  const sync::Operation op = operation("returns from join()", nullptr, return_address());
  Scheduler& scheduler = op.scheduler;
  if (!number_) scheduler.fail("join() of a thread that is not joinable");
  const int number = *number_;
  if (number == scheduler.self()) scheduler.fail(scheduler.name_of(number) + " joins itself");
  sync::join(scheduler, number);
  report_write(*this, "joins it", op.place);
  number_.reset();
}

void thread::detach() {
  const Inside inside;
  report_write(*this, "detaches it", place_of(return_address()));
  if (!number_) Scheduler::current().fail("detach() of a thread that is not joinable");
  number_.reset();
}

// --- atomic --------------------------------------------------------------------------------------

AtomicBase::AtomicBase(std::string name) : name_(std::move(name)) {
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  scheduler.access(
      this, 1, {.verb = "constructs it", .is_write = true, .place = place_of(return_address())});
  scheduler.objects().atomics[this] = {.name = name_};
}

AtomicBase::~AtomicBase() {
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  scheduler.access(this, 1,
                   {.verb = "destroys it", .is_write = true, .place = place_of(return_address())});
  scheduler.objects().atomics.erase(this);
}

void AtomicBase::before_load(std::memory_order order) const {
  sync::before_load(operation("reads", this, return_address()), 1, order);
}

void AtomicBase::before_store(std::memory_order order) {
  sync::before_store(operation("sets", this, return_address()), 1, order);
}

void AtomicBase::before_update(std::memory_order order) {
  sync::before_update(operation("updates", this, return_address()), 1, order);
}

void AtomicBase::before_compare() {
  sync::before_compare(operation("updates", this, return_address()), 1);
}

void AtomicBase::compare_succeeds(std::memory_order order) {
  sync::compare_succeeds({Scheduler::current(), this, place_of(return_address())}, 1, order);
}

void AtomicBase::compare_fails(std::uint64_t seen, std::memory_order order) {
  sync::compare_fails({Scheduler::current(), this, place_of(return_address())}, seen,
                      order_of_failure(order));
}

bool AtomicBase::weak_compare_fails() {
  return sync::weak_compare_fails({Scheduler::current(), this, place_of(return_address())});
}

std::uint64_t AtomicBase::load_bits(std::memory_order order, const void* value,
                                    std::size_t size) const {
  const sync::Operation op = operation("reads", this, return_address());
  const auto read = [&] {
    std::uint64_t bits = 0;
    std::memcpy(&bits, value, size);
    return bits;
  };
  if (op.scheduler.options().stale_reads) return sync::load(op, 1, order, read);
  sync::before_load(op, 1, order);
  return read();
}

void AtomicBase::changed(std::uint64_t before, std::uint64_t after, std::memory_order order) {
  Scheduler& scheduler = Scheduler::current();
  if (!scheduler.options().stale_reads) return;
  sync::remember_store({scheduler, this, place_of(return_address())}, before, after, order);
}

void AtomicBase::tell(const char* what, bool value) const {
  if (name_.empty()) return;
  Scheduler::current().tell(std::string(what) + " " + name_ + " = " + (value ? "true" : "false"));
}

void AtomicBase::tell(const char* what, long long value) const {
  if (name_.empty()) return;
  Scheduler::current().tell(std::string(what) + " " + name_ + " = " + std::to_string(value));
}

// --- this_thread ---------------------------------------------------------------------------------

void this_thread::yield() {
  const Inside inside;
  operation("goes on", nullptr, return_address()).scheduler.step();
}

void this_thread::sleep_until(steady_clock::time_point time) {
  const Inside inside;
  sync::sleep_until(operation("wakes up", nullptr, return_address()).scheduler,
                    time.time_since_epoch());
}

}  // namespace worker_pool::lab
