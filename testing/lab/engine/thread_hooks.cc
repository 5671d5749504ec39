// The functions that std::thread and std::call_once are made of on Linux.
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include <string>

#include "testing/lab/engine/callers.h"
#include "testing/lab/engine/inside.h"
#include "testing/lab/engine/real.h"
#include "testing/lab/engine/scheduler.h"
#include "testing/lab/engine/sync.h"

namespace worker_pool::lab {
namespace {

int create(pthread_t* thread, void* (*start)(void*), void* argument, std::uintptr_t from) {
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  const int number = scheduler.start("thread", [start, argument] { start(argument); });
  *thread = scheduler.handle_of(number);
  scheduler.tell("starts " + scheduler.name_of(number), place_in_program(from));
  scheduler.step();
  return 0;
}

int join(pthread_t thread) {
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  for (int number = 0; number < scheduler.thread_count(); ++number) {
    if (pthread_equal(scheduler.handle_of(number), thread) == 0) continue;
    if (number == scheduler.self()) return EDEADLK;
    sync::join(scheduler, number);
    return 0;
  }
  return ESRCH;
}

// Calls `function` unless it has been called; the other callers wait until it has returned.
void call_once(pthread_once_t* control, void (*function)()) {
  // The C library's values.
  constexpr int kFresh = 0;
  constexpr int kRunning = 1;
  constexpr int kDone = 2;
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  Event& done = scheduler.objects().events[control];
  scheduler.step({.can_go_on = [&] { return *control != kRunning; },
                  .reason = [] { return std::string("for another thread's call_once"); }});
  scheduler.races().acquire(scheduler.self(), done.released);
  if (*control == kDone) return;
  *control = kRunning;
  try {
    const Outside outside;
    function();
  } catch (...) {
    *control = kFresh;
    scheduler.races().release(scheduler.self(), done.released);  // the next call comes after it
    throw;
  }
  *control = kDone;
  sync::happen(scheduler, done);
}

}  // namespace
}  // namespace worker_pool::lab

using namespace worker_pool::lab;  // the functions below have no namespace

extern "C" {

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
  if (is_under_test()) return create(thread, start, argument, return_address());
  return real<&pthread_create>("pthread_create")(thread, attributes, start, argument);
}

int pthread_join(pthread_t thread, void** result) {
  return is_under_test() ? join(thread) : real<&pthread_join>("pthread_join")(thread, result);
}

int pthread_detach(pthread_t thread) {
  if (is_under_test()) return 0;  // the scheduler joins it later
  return real<&pthread_detach>("pthread_detach")(thread);
}

int pthread_once(pthread_once_t* control, void (*function)()) {
  if (!is_under_test()) return real<&pthread_once>("pthread_once")(control, function);
  call_once(control, function);
  return 0;
}

int sched_yield() {
  if (!is_under_test()) return real<&sched_yield>("sched_yield")();
  const Inside inside;
  Scheduler::current().step({.gives_way = true});
  return 0;
}
}
