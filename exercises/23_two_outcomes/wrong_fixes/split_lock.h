// The ticket of a job. The caller that submitted the job can cancel it, and ask for its outcome.
#pragma once

#include <functional>
#include <mutex>
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
    {
      const std::lock_guard lock(mutex_);
      if (outcome_) return false;
    }
    {
      const std::lock_guard lock(mutex_);
      outcome_ = Outcome{.value = value};
    }
    report_(Outcome{.value = value});
    return true;
  }

  // Returns whether this decided the outcome: false if the job had finished or had been canceled
  // already. Any thread may call this at any time.
  bool cancel() {
    {
      const std::lock_guard lock(mutex_);
      if (outcome_) return false;
    }
    {
      const std::lock_guard lock(mutex_);
      outcome_ = Outcome{.cancelled = true};
    }
    report_(Outcome{.cancelled = true});
    return true;
  }

  // Returns the outcome, or nullopt if it is not decided yet. Any thread may call this at any time.
  std::optional<Outcome> outcome() const {
    const std::lock_guard lock(mutex_);
    return outcome_;
  }

 private:
  const std::function<void(const Outcome&)> report_;
  mutable lab::mutex mutex_;
  std::optional<Outcome> outcome_;  // guarded by mutex_
};

}  // namespace worker_pool
