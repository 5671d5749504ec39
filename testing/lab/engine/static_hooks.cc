// The functions that static variables in functions are made of.
#include <cxxabi.h>

#include <string>

#include "testing/lab/engine/inside.h"
#include "testing/lab/engine/real.h"
#include "testing/lab/engine/scheduler.h"
#include "testing/lab/engine/sync.h"

namespace worker_pool::lab {
namespace {

// A static variable's guard: its first byte says that the variable exists, its second one that a
// thread is constructing it.
class Guard {
 public:
  explicit Guard(__cxxabiv1::__guard* guard) : bytes_(reinterpret_cast<volatile char*>(guard)) {}

  // Returns whether the caller must construct the variable.
  bool acquire() {
    if (is_under_test()) wait();
    if (bytes_[0] != 0) return false;
    bytes_[1] = 1;
    return true;
  }

  void release() {
    bytes_[0] = 1;
    abort();
    if (!is_under_test()) return;
    const Inside inside;
    Scheduler& scheduler = Scheduler::current();
    sync::happen(scheduler, event());
    // Others load the first byte before they call acquire(), and do not call it if it is set.
    scheduler.objects().atomics[const_cast<const char*>(bytes_)].released.join(event().released);
  }

  void abort() { bytes_[1] = 0; }

 private:
  Event& event() { return Scheduler::current().objects().events[const_cast<const char*>(bytes_)]; }

  // No step if no other thread constructs it: only the first schedule would have that step. Others
  // may run at the load of the first byte.
  void wait() {
    const Inside inside;
    Scheduler& scheduler = Scheduler::current();
    if (bytes_[1] != 0) {
      scheduler.step({.can_go_on = [this] { return bytes_[1] == 0; },
                      .reason = [] { return std::string("for a static variable"); }});
    }
    scheduler.races().acquire(scheduler.self(), event().released);
  }

  volatile char* const bytes_;
};

}  // namespace
}  // namespace worker_pool::lab

using namespace worker_pool::lab;  // the functions below have no namespace

extern "C" {

int __cxa_guard_acquire(__cxxabiv1::__guard* guard) {
  if (t_number < 0) return real<&__cxa_guard_acquire>("__cxa_guard_acquire")(guard);
  return Guard(guard).acquire() ? 1 : 0;
}

void __cxa_guard_release(__cxxabiv1::__guard* guard) noexcept {
  if (t_number < 0) return real<&__cxa_guard_release>("__cxa_guard_release")(guard);
  Guard(guard).release();
}

void __cxa_guard_abort(__cxxabiv1::__guard* guard) noexcept {
  if (t_number < 0) return real<&__cxa_guard_abort>("__cxa_guard_abort")(guard);
  Guard(guard).abort();
}
}
