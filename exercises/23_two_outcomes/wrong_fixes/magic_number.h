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
    if (!decide(value)) return false;
    report_({.value = value});
    return true;
  }

  // Returns whether this decided the outcome: false if the job had finished or had been canceled
  // already. Any thread may call this at any time.
  bool cancel() {
    if (!decide(kCancelled)) return false;
    report_({.cancelled = true});
    return true;
  }

  // Returns the outcome, or nullopt if it is not decided yet. Any thread may call this at any time.
  std::optional<Outcome> outcome() const {
    const int word = word_;
    if (word == kPending) return std::nullopt;
    if (word == kCancelled) return Outcome{.cancelled = true};
    return Outcome{.value = word};
  }

 private:
  // No job returns these.
  static constexpr int kPending = -999'999'999;
  static constexpr int kCancelled = -888'888'888;

  bool decide(int word) {
    int pending = kPending;
    return word_.compare_exchange_strong(pending, word);
  }

  const std::function<void(const Outcome&)> report_;
  lab::atomic<int> word_{kPending, "word"};
};

}  // namespace worker_pool
