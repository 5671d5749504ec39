// RetryPolicy: how often a failed job is tried again, and how soon.
//
//   RetryQueue queue(RetryPolicy{.tries = 5, .backoff = 1s}, observer);
//   backoff_before(policy, 3);  // the wait before the third try: 200 ms by default
#pragma once

#include <chrono>
#include <cstddef>

#include "step1_job/context.h"

namespace worker_pool {

// Valid if tries >= 1, backoff >= 1 ms, longest >= backoff and capacity >= 1.
struct RetryPolicy {
  int tries = 3;                                             // per job, including the first
  Clock::duration backoff = std::chrono::milliseconds(100);  // before the second try; then doubles
  Clock::duration longest = std::chrono::seconds(10);        // the limit of the doubling
  std::size_t capacity = 1000;                               // jobs that may wait for another try
};

// Returns `policy` if it is valid. Otherwise throws std::invalid_argument, whose text names the
// wrong member and its limit.
RetryPolicy checked(const RetryPolicy& policy);

// Returns how long a job waits before try number `which_try`: 0 before the first, `backoff` before
// the second, then twice as long each time, up to `longest`. Never overflows.
//
// There is no random part (jitter). Jitter keeps many clients from retrying at the same time; here,
// the number of workers already limits how many jobs run at once.
Clock::duration backoff_before(const RetryPolicy& policy, int which_try);

}  // namespace worker_pool
