// RetryPolicy: how often a failed job is tried again, and how soon.
//
//   RetryQueue queue(RetryPolicy{.tries = 5, .backoff = 1s}, observer);
//   backoff_before(policy, 3);  // the longest wait before the third try: 200 ms by default
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

#include "step1_job/context.h"

namespace worker_pool {

// Valid if tries >= 1, backoff >= 1 ms, longest >= backoff, capacity >= 1 and 0 <= jitter <= 1.
//
// Jitter is the random part of a wait. Without it, jobs that fail at the same time, because the
// service they all use is down, are tried again at the same time, in every process that runs them.
// The default is full jitter: a wait between 0 and the whole backoff. It spreads the tries over
// twice the time that equal jitter does, which waits for at least half of the backoff. In the
// simulation of "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015) it does less work
// than equal jitter, and is done sooner:
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
// Its price is that a wait may be almost 0. If a try so soon does harm, choose equal jitter.
struct RetryPolicy {
  int tries = 3;                                             // per job, including the first
  Clock::duration backoff = std::chrono::milliseconds(100);  // before the second try; then doubles
  Clock::duration longest = std::chrono::seconds(10);        // the limit of the doubling
  std::size_t capacity = 1000;                               // jobs that may wait for another try
  double jitter = 1.0;  // the random part of each wait. 1: full jitter, 0.5: equal jitter, 0: none
};

// Returns `policy` if it is valid. Otherwise throws std::invalid_argument, whose text names the
// wrong member and its limit.
RetryPolicy checked(const RetryPolicy& policy);

// Returns how long a job waits at most before try number `which_try`: 0 before the first, `backoff`
// before the second, then twice as long each time, up to `longest`. Never overflows.
Clock::duration backoff_before(const RetryPolicy& policy, int which_try);

// Returns how long a job waits before that try. `random`, from 0 to 1, chooses the wait: 0 the
// shortest, which is (1 - jitter) of backoff_before(), and 1 the longest, which is all of it. A
// wait of kForever has no random part.
Clock::duration wait_before(const RetryPolicy& policy, int which_try, double random);

// Returns random numbers, at least 0 and less than 1, each as likely as the others.
using RandomSource = std::function<double()>;

// Seeded by the system, so that processes do not wait alike. Not thread-safe. Throws std::exception
// if the system has no random numbers.
RandomSource uniform_random();

}  // namespace worker_pool
