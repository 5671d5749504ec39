#include "full_pattern/retry/retry_policy.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <stdexcept>
#include <string>

#include "step1_job/context.h"

namespace worker_pool {

RetryPolicy checked(const RetryPolicy& policy) {
  const auto demand = [](bool holds, const std::string& what) {
    if (!holds) throw std::invalid_argument("RetryPolicy: " + what);
  };
  demand(policy.tries >= 1, "tries is " + std::to_string(policy.tries) + ", it must be at least 1");
  demand(policy.backoff >= std::chrono::milliseconds(1),
         "backoff is " + std::to_string(policy.backoff.count()) + " ns, it must be at least 1 ms");
  demand(policy.longest >= policy.backoff,
         "longest is less than backoff, it must be at least backoff");
  demand(policy.capacity >= 1, "capacity is 0, it must be at least 1");
  demand(policy.jitter >= 0 && policy.jitter <= 1,
         "jitter is " + std::to_string(policy.jitter) + ", it must be from 0 to 1");
  return policy;
}

Clock::duration backoff_before(const RetryPolicy& policy, int which_try) {
  if (which_try <= 1) return Clock::duration::zero();
  Clock::duration backoff = policy.backoff;
  for (int i = 2; i < which_try && backoff < policy.longest; ++i) {
    backoff += std::min(backoff, policy.longest - backoff);  // doubles, but not beyond `longest`
  }
  return backoff;
}

Clock::duration wait_before(const RetryPolicy& policy, int which_try, double random) {
  const Clock::duration longest = backoff_before(policy, which_try);
  if (longest == kForever) return longest;
  const auto left_out = longest * (policy.jitter * (1 - random));  // in floating point
  if (left_out >= longest) return Clock::duration::zero();  // so the conversion cannot overflow
  return longest - std::chrono::duration_cast<Clock::duration>(left_out);
}

RandomSource uniform_random() {
  return [engine = std::mt19937(std::random_device()())]() mutable {
    return std::uniform_real_distribution<>()(engine);
  };
}

}  // namespace worker_pool
