// The functions that std::chrono's clocks and std::this_thread::sleep_for are made of on Linux.
#include <time.h>

#include <chrono>

#include "testing/lab/engine/callers.h"
#include "testing/lab/engine/inside.h"
#include "testing/lab/engine/real.h"
#include "testing/lab/engine/scheduler.h"
#include "testing/lab/engine/sync.h"
#include "testing/lab/engine/virtual_clock.h"

using namespace worker_pool::lab;  // the functions below have no namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) {
  if (!is_under_test()) return real<&clock_gettime>("clock_gettime")(clock, time);
  const Inside inside;
  const Time now = kEpoch + Scheduler::current().read_clock(place_in_program(return_address()));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now);
  time->tv_sec = seconds.count();
  time->tv_nsec = (now - seconds).count();
  return 0;
}

int nanosleep(const timespec* duration, timespec* rest) {
  if (!is_under_test()) return real<&nanosleep>("nanosleep")(duration, rest);
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  sync::sleep_until(scheduler, scheduler.now() + to_time(*duration));
  return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* rest) {
  if (!is_under_test()) return real<&clock_nanosleep>("clock_nanosleep")(clock, flags, time, rest);
  if ((flags & TIMER_ABSTIME) == 0) return nanosleep(time, rest);
  const Inside inside;
  sync::sleep_until(Scheduler::current(), to_time(*time) - kEpoch);
  return 0;
}
}
