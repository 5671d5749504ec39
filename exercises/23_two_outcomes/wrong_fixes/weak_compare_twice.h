// The ticket of a job. The caller that submitted the job can cancel it, and ask for its outcome.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

struct Outcome {
  bool cancelled = false;
  int value = 0;  // what the job returned, unless it was canceled
};

class Ticket {
 public:
  // `report` is called once, with the outcome. It must not throw.
  explicit Ticket(std::function<void(const Outcome&)> report) : report_(std::move(report)) {}

  // The worker calls this once, when the job has returned. Returns whether this decided the
  // outcome: false if the job had been canceled.
  bool finish(int value) {
    value_ = value;  // written only here, and read only once the state is kFinished
    if (!decide(State::kFinished)) return false;
    report_({.value = value});
    return true;
  }

  // Returns whether this decided the outcome: false if the job had finished or had been canceled
  // already. Any thread may call this at any time.
  bool cancel() {
    if (!decide(State::kCancelled)) return false;
    report_({.cancelled = true});
    return true;
  }

  // Returns the outcome, or nullopt if it is not decided yet. Any thread may call this at any time.
  std::optional<Outcome> outcome() const {
    const State state = state_;
    if (state == State::kCancelled) return Outcome{.cancelled = true};
    if (state == State::kFinished) return Outcome{.value = value_};
    return std::nullopt;
  }

 private:
  enum class State { kPending, kFinished, kCancelled };

  // Only the first call succeeds: the check and the change are one step.
  bool decide(State state) {
    State pending = State::kPending;
    if (state_.compare_exchange_weak(pending, state)) return true;
    return pending == State::kPending && state_.compare_exchange_weak(pending, state);
  }

  const std::function<void(const Outcome&)> report_;
  lab::atomic<State> state_ = State::kPending;
  lab::atomic<int> value_{0, "value"};  // written before state_ becomes kFinished
};

}  // namespace worker_pool
