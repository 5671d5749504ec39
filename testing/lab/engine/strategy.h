// What a scheduler asks when more than one thread could run next.
#pragma once

#include <cstddef>
#include <vector>

namespace worker_pool::lab {

// One of the choices among which a strategy decides.
struct Choice {
  int thread = 0;
  bool preemption = false;  // interrupts a thread that could run on, or returns an old value
  bool spurious = false;    // wakes a thread without a notification, or fails a try_lock()
  bool timeout = false;     // the clock jumps to this thread's timeout while others could run
};

// Decides which thread runs next. Asked the same questions, it must give the same answers.
class Strategy {
 public:
  virtual ~Strategy() = default;
  // Returns an index into `choices`, which has at least two elements. The first is the running
  // thread, if it can run on.
  virtual std::size_t choose(const std::vector<Choice>& choices) = 0;
};

}  // namespace worker_pool::lab
