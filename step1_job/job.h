// Job: one unit of work as a value, with its result and its handler.
//
//   Job job{.id = "a", .payload = std::move(bytes), .ctx = Context().with_timeout(1s)};
//   const JobHandler handler = [](const Job& job, const Context& ctx) -> JobResult {
//     if (const auto why = ctx.err()) return std::unexpected(ended(*why));
//     return parse(job.payload);               // an expected failure is returned, not thrown
//   };
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "step1_job/context.h"

namespace worker_pool {

// A job owns everything it carries, so it can wait in a queue and move to another thread without a
// dangling reference. The pool moves it and never copies it; only a retry makes copies. (WP-05)
//
// The {} allow an initializer with only some of the members: Job{.id = "a"}.
struct Job {
  std::string id{};                  // for reports; need not be unique
  std::vector<std::byte> payload{};  // the input; only the handler knows its format
  Context ctx{};                     // this job's deadline and cancel signal; default: neither
  Clock::time_point submitted{};     // when it was submitted; set by a pool with an observer

  // Cheaper than the three moves of std::swap().
  friend void swap(Job& a, Job& b) noexcept {
    a.id.swap(b.id);
    a.payload.swap(b.payload);
    swap(a.ctx, b.ctx);
    std::swap(a.submitted, b.submitted);
  }
};

// recycle() keeps at most this many bytes of an id, and as many of a payload.
inline constexpr std::size_t kMaxSpareMemory = 4096;

// Empties a job that is done. The id and the payload keep their memory for the next job that the
// variable holds, unless it is large. All else is released at once. The fast channel does this for
// its receivers, and hands the empty job to a later sender.
inline void recycle(Job& job) noexcept {
  if (job.id.capacity() > kMaxSpareMemory) std::string().swap(job.id);
  if (job.payload.capacity() > kMaxSpareMemory) std::vector<std::byte>().swap(job.payload);
  job.id.clear();
  job.payload.clear();
  job.ctx = {};
  job.submitted = {};
}

// Why a job did not succeed.
struct JobError {
  enum class Kind : std::uint8_t {
    kFailed,            // the handler returned this error
    kThrew,             // the handler threw; message is the exception's what()
    kCancelled,         // its caller canceled it: before it started, or the handler stopped early
    kDeadlineExceeded,  // the same, because of a deadline
    kShutDown,          // the handler stopped early, because the pool shuts down. The caller may
                        // still want the result, so hand the job back or run it elsewhere
  };
  Kind kind = Kind::kFailed;
  std::string message{};
  bool ended_thread = false;  // of kThrew: the job ended its worker's thread; do not retry it
};

using JobResult = std::expected<void, JobError>;

// The user's code that does a job.
//
//  1. Threads: each worker calls its own copy, and workers run at the same time. Objects that the
//     copies share, through a captured reference or std::shared_ptr, need a lock if any call
//     changes them. Captured values, such as an int, do not.
//  2. Errors: return expected failures. The worker catches any exception and turns it into
//     JobError::Kind::kThrew.
//  3. Context: it combines the job's and the pool's. Check err() between pieces of work and sleep
//     with sleep_for(), so that shutdown is quick. After the call, a copy may miss a new stop.
//  4. Callbacks: a std::stop_callback on the context's token runs on the thread that cancels, or at
//     once on the handler's thread if the context is already canceled. It must not throw,
//     which ends the program, or block, which delays the stop request to all other jobs.
//  5. Lifetime: a shutdown may abandon a handler that ignores its context (step 4). Such a handler
//     can outlive the pool, so it must own what it captures, by value or by std::shared_ptr.
//     (WP-05)
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
    case JobError::Kind::kShutDown:
      return "shut down";
  }
  return "unknown";
}

// The kind of error of a job that stopped early because its context ended.
constexpr JobError::Kind kind_of(CancelReason reason) {
  switch (reason) {
    case CancelReason::kDeadlineExceeded:
      return JobError::Kind::kDeadlineExceeded;
    case CancelReason::kShutDown:
      return JobError::Kind::kShutDown;
    case CancelReason::kCancelled:
      break;
  }
  return JobError::Kind::kCancelled;
}

// Returns the error for a job that stopped early, or never started, because its context ended:
//
//   if (const auto why = ctx.err()) return std::unexpected(ended(*why));
inline JobError ended(CancelReason reason) {
  const JobError::Kind kind = kind_of(reason);
  return JobError{.kind = kind, .message = std::string(to_string(kind))};
}

}  // namespace worker_pool
