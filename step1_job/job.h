// Job: one unit of work as a value, and what can become of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "step1_job/context.h"

namespace worker_pool {

// Owns everything it carries, so it can wait in a queue and cross threads without a dangling
// reference. Moved, not copied, on its way through the pool; only a retry copies it. (WP-05)
//
// The {} let a job be written with the members that matter: Job{.id = "a"}.
struct Job {
  std::string id{};                  // for people and reports; the pool does not demand it unique
  std::vector<std::byte> payload{};  // what to work on; only the handler knows its format
  Context ctx{};                     // this job's own deadline or cancellation; default: none
  Clock::time_point submitted{};     // set by a pool that is observed: when it was offered
};

// Why a job did not succeed.
struct JobError {
  enum class Kind : std::uint8_t {
    kFailed,            // the handler said so
    kThrew,             // the handler let an exception out; message is its what()
    kCancelled,         // cancelled before it started, or the handler gave up because of it
    kDeadlineExceeded,  // likewise, for a deadline
  };
  Kind kind = Kind::kFailed;
  std::string message{};
};

using JobResult = std::expected<void, JobError>;

// What to do with a job: the user's code. Every worker calls its own copy, several at the same
// time. What the copies share, such as a captured reference or std::shared_ptr, needs a lock; what
// each has for itself, such as a captured int, does not. Expected failures are returned; an
// exception is caught by the worker and becomes JobError::Kind::kThrew.
//
// The Context is the job's and the pool's, linked: look at err() between pieces of work and sleep
// with sleep_for(), then shutdown is quick. It is valid during the call only. A std::stop_callback
// on its token runs on the thread that cancels, or at once on yours if the context has been
// cancelled already. It must not throw, nor block: the jobs behind it would hear nothing.
//
// A handler that does not listen may be abandoned by a shutdown (step 4), and then run on when
// everything around the pool is gone: it should own what it captures, by value or by
// std::shared_ptr. (WP-05)
using JobHandler = std::function<JobResult(const Job&, const Context&)>;

constexpr std::string_view to_string(JobError::Kind kind) {
  switch (kind) {
    case JobError::Kind::kFailed:
      return "failed";
    case JobError::Kind::kThrew:
      return "threw";
    case JobError::Kind::kCancelled:
      return "cancelled";
    case JobError::Kind::kDeadlineExceeded:
      return "deadline exceeded";
  }
  return "unknown";
}

// The error of a job that stopped, or was never started, because its context had ended:
//
//   if (const auto why = ctx.err()) return std::unexpected(ended(*why));
inline JobError ended(CancelReason reason) {
  const auto kind = reason == CancelReason::kCancelled ? JobError::Kind::kCancelled
                                                       : JobError::Kind::kDeadlineExceeded;
  return {kind, std::string(to_string(kind))};
}

}  // namespace worker_pool
