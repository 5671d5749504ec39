// Futexes, the system call that std::atomic::wait(), std::latch and std::counting_semaphore, and so
// the stop callbacks of std::stop_token, are made of on Linux.
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <optional>

#include "testing/lab/engine/callers.h"
#include "testing/lab/engine/inside.h"
#include "testing/lab/engine/real.h"
#include "testing/lab/engine/scheduler.h"
#include "testing/lab/engine/sync.h"
#include "testing/lab/engine/virtual_clock.h"

namespace worker_pool::lab {
namespace {

using Arguments = std::array<long, 6>;

ConditionVariable& condition_of(Scheduler& scheduler, const void* word) {
  ConditionVariable& condition = scheduler.objects().condition_variables[word];
  if (condition.name.empty()) condition.name = scheduler.unique("atomic");
  return condition;
}

std::optional<Time> timeout_of(Scheduler& scheduler, bool is_absolute, const timespec* timeout) {
  if (timeout == nullptr) return std::nullopt;
  if (is_absolute) return to_virtual(timeout);
  return scheduler.now() + to_time(*timeout);
}

long failed(int error) {
  errno = error;
  return -1;
}

long futex(const Arguments& arguments, std::uintptr_t from) {
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  auto* const word = reinterpret_cast<std::uint32_t*>(arguments[0]);
  const sync::Operation op{
      .scheduler = scheduler, .object = word, .place = place_in_program(from), .is_told = true};
  const int command = static_cast<int>(arguments[1]) & FUTEX_CMD_MASK;
  if (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET) {
    const auto* const timeout = reinterpret_cast<const timespec*>(arguments[3]);
    const auto until = timeout_of(scheduler, command == FUTEX_WAIT_BITSET, timeout);
    scheduler.step();
    const auto expected = static_cast<std::uint32_t>(arguments[2]);
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != expected) return failed(EAGAIN);
    const bool in_time = sync::sleep_on(op, condition_of(scheduler, word), until);
    // The caller loads the value again, perhaps in a shared library, where no hook sees it.
    sync::order_load(op, std::memory_order_acquire);
    return in_time ? 0 : failed(ETIMEDOUT);
  }
  if (command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET) {
    // Only the address counts: the word itself may have been destroyed.
    return sync::wake(op, condition_of(scheduler, word), arguments[2] > 1);
  }
  scheduler.fail("the lab does not know this futex operation: " + std::to_string(command));
}

}  // namespace
}  // namespace worker_pool::lab

using namespace worker_pool::lab;  // the functions below have no namespace

extern "C" long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  Arguments arguments;
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  if (is_under_test() && number == SYS_futex) return futex(arguments, return_address());
  return real<&syscall>("syscall")(number, arguments[0], arguments[1], arguments[2], arguments[3],
                                   arguments[4], arguments[5]);
}

// Since GCC 16, a part of std::atomic::wait() is in libstdc++.so and loads the value there, which
// no hook sees. Its futex calls are seen.
#if defined(_GLIBCXX_RELEASE) && _GLIBCXX_RELEASE >= 16
namespace std::__detail {

__wait_result_type __wait_impl(const void* address, __wait_args_base& arguments) {
  using Function = __wait_result_type(const void*, __wait_args_base&);
  static auto* const real = reinterpret_cast<Function*>(
      dlsym(RTLD_NEXT, "_ZNSt8__detail11__wait_implEPKvRNS_16__wait_args_baseE"));
  if (!is_under_test()) return real(address, arguments);
  {
    const Inside inside;
    Scheduler::current().step();
  }
  const __wait_result_type result = real(address, arguments);
  const Inside inside;
  sync::order_load({.scheduler = Scheduler::current(), .object = address, .place = {}},
                   std::memory_order_acquire);
  return result;
}

}  // namespace std::__detail
#endif
