// Is notified of what happens in the runs of explore(), for an export of their schedules
// (../schedule_tree.h).
#pragma once

#include <string>
#include <vector>

#include "testing/lab/engine/places.h"
#include "testing/lab/engine/strategy.h"

namespace worker_pool::lab {

// The running thread calls it, Inside the lab. Exactly one thread runs at a time, so these calls
// need no lock.
class Recorder {
 public:
  enum class State { kCanRun, kBlocked, kExited };

  // A thread between two of its steps.
  struct ThreadState {
    std::string name{};
    State state = State::kCanRun;
    std::string text{};  // what it does next, as in "locks mutex", or what it waits for
    Place place{};
  };

  struct Alternative {
    Choice choice{};
    std::string text{};  // what happens if it is chosen
  };

  virtual ~Recorder() = default;

  // A line of the story, or a step that the story leaves out, such as "unlocks mutex".
  virtual void line(int thread, const std::string& text, Place place) = 0;
  // The strategy is about to choose one of `alternatives`. `threads` are by their number.
  virtual void fork(const std::vector<Alternative>& alternatives,
                    const std::vector<ThreadState>& threads) = 0;
};

}  // namespace worker_pool::lab
