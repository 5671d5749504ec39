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
    if (cancelled_) return false;
    value_ = value;
    finished_ = true;
    if (!reported_.exchange(true)) report_({.value = value});
    return true;
  }

  // Returns whether this decided the outcome: false if the job had finished or had been canceled
  // already. Any thread may call this at any time.
  bool cancel() {
    if (finished_) return false;
    if (cancelled_.exchange(true)) return false;
    if (!reported_.exchange(true)) report_({.cancelled = true});
    return true;
  }

  // Returns the outcome, or nullopt if it is not decided yet. Any thread may call this at any time.
  std::optional<Outcome> outcome() const {
    if (cancelled_) return Outcome{.cancelled = true};
    if (finished_) return Outcome{.value = value_};
    return std::nullopt;
  }

 private:
  const std::function<void(const Outcome&)> report_;
  lab::atomic<bool> reported_{false, "reported"};
  lab::atomic<bool> finished_{false, "finished"};
  lab::atomic<bool> cancelled_{false, "cancelled"};
  lab::atomic<int> value_{0, "value"};  // written before finished_ is set
};

}  // namespace worker_pool
