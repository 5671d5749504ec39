#include "testing/lab/engine/crashes.h"

#include "testing/lab/engine/hooks.h"

#ifdef __linux__

#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "testing/lab/engine/inside.h"
#include "testing/lab/engine/places.h"
#include "testing/lab/engine/scheduler.h"

namespace worker_pool::lab {
namespace {

// ", in what FILE:LINE calls", if that is known.
std::string in_the_last_call() {
  const std::string place = short_name(user_frame(caller_of(t_stack)));
  return place.size() > 2 ? ", in what " + place + " calls" : "";
}

const char* text_of(int signal) {
  switch (signal) {
    case SIGABRT:
      return "abort(), for example by a failed assertion";
    case SIGFPE:
      return "division by zero";
    case SIGILL:
      return "invalid instruction";
    default:
      return "invalid memory access";
  }
}

// Where the stack of the calling thread ends: it grows down to this address.
std::uintptr_t end_of_stack() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  void* end = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &end, &size);
  pthread_attr_destroy(&attributes);
  return reinterpret_cast<std::uintptr_t>(end);
}

// Where the stack was when the signal came, or 0 on a processor that is not known here.
std::uintptr_t stack_pointer(const void* context) {
  [[maybe_unused]] const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(machine.gregs[REG_RSP]);
#elif defined(__aarch64__)
  return static_cast<std::uintptr_t>(machine.sp);
#else
  return 0;
#endif
}

// A hook may crash, too, when it gets an invalid address.
void on_crash(int signal, siginfo_t*, void* context) {
  if (t_number < 0) {
    std::signal(signal, SIG_DFL);
    return;  // to the same instruction, which crashes again
  }
  const Inside inside;
  const std::uintptr_t stack = stack_pointer(context);
  if (signal == SIGSEGV && stack != 0 && stack < t_stack_limit) fail_by_stack_overflow();
  Scheduler& scheduler = Scheduler::current();
  scheduler.fail(scheduler.own_name() + " crashes (" + text_of(signal) + ")" + in_the_last_call());
}

constexpr std::size_t kSignalStack = 128 << 10;
constexpr std::size_t kReserve = 64 << 10;  // for the lab's own functions

}  // namespace

void fail_by_stack_overflow() {
  Scheduler& scheduler = Scheduler::current();
  scheduler.fail("stack overflow in " + scheduler.own_name() + in_the_last_call());
}

void catch_crashes() {
  if (!has_hooks()) return;  // the sanitizers have handlers of their own
  struct sigaction action = {};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV}) {
    sigaction(signal, &action, nullptr);
  }
}

SignalStack::SignalStack() {
  if (!has_hooks()) return;  // the sanitizers have stacks of their own
  memory_ = std::make_unique_for_overwrite<std::byte[]>(kSignalStack);
  const stack_t stack = {.ss_sp = memory_.get(), .ss_flags = 0, .ss_size = kSignalStack};
  sigaltstack(&stack, nullptr);
  t_stack_limit = end_of_stack() + kReserve;
}

SignalStack::~SignalStack() {
  const stack_t none = {.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
  if (memory_ != nullptr) sigaltstack(&none, nullptr);
}

}  // namespace worker_pool::lab

#else

#include <cstdlib>

namespace worker_pool::lab {

void catch_crashes() {}
void fail_by_stack_overflow() { std::abort(); }
SignalStack::SignalStack() = default;
SignalStack::~SignalStack() = default;

}  // namespace worker_pool::lab

#endif
