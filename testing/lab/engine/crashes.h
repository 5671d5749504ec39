// What becomes of a thread of a scenario that crashes: the schedule ends with a verdict, because
// undefined behavior of the code under test is one of the things that a scenario may show.
#pragma once

#include <cstddef>
#include <memory>

namespace worker_pool::lab {

// From now on, signals such as SIGSEGV have this meaning on the threads of scenarios. On other
// threads they do what they would do otherwise.
void catch_crashes();

// Ends the schedule with this verdict on the calling thread. The hooks call it before the stack
// overflows (t_stack_limit), because a thread that has crashed in malloc() can no longer use it.
[[noreturn]] void fail_by_stack_overflow();

// The memory on which the calling thread handles a crash, because its own stack may have overflowed
// in code without hooks. Sets t_stack_limit.
class SignalStack {
 public:
  SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;
  ~SignalStack();

 private:
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace worker_pool::lab
