// ErrorLog: an observer that records which jobs fail, how often and why. Its memory is bounded, so
// a service can run for months.
//
//   const auto print = [](std::string_view line) { std::cerr << line << std::endl; };
//   const auto errors = std::make_shared<ErrorLog>(ErrorLog::Options{.last = 20}, print);
//   WorkerPool pool({.workers = 3}, handler, errors);
//   ...
//   errors->counts().by_kind[JobError::Kind::kThrew]       // exceptions: bugs, worth an alert
//   errors->counts().by_job["a"]
//   errors->last()                                         // for a status page
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "step1_job/job.h"
#include "step2_worker/observer.h"

namespace worker_pool {

// Thread-safe.
class ErrorLog final : public Observer {
 public:
  // The bounds. Each of them may be 0.
  struct Options {
    std::size_t last = 100;   // errors that last() returns
    std::size_t jobs = 1000;  // ids with a count of their own: the first ones that fail
    std::size_t text = 200;   // bytes kept of an id or a message: see shortened(). If it is 0, no
                              // id has a count of its own
  };

  // Receives each line, without a line end. May be empty, for no lines.
  //  1. It is called on the worker's own thread, for one line at a time. A slow sink delays only
  //     the workers whose jobs fail.
  //  2. If it throws, only that line is lost.
  //  3. It must own what it uses, because an abandoned worker may call it late.
  //  4. It is called under a lock, so it must neither report an error to the same log nor
  //     wait for a thread that does. (WP-31)
  using Sink = std::function<void(std::string_view line)>;

  struct Entry {
    std::string job{};  // its id
    int worker = 0;
    JobError error{};
  };

  // A consistent snapshot: `all` equals the sum of by_kind, and the sum of by_job plus other_jobs.
  // A kind or a job without an error has no entry.
  struct Counts {
    std::uint64_t all = 0;
    std::map<JobError::Kind, std::uint64_t> by_kind{};
    std::map<std::string, std::uint64_t> by_job{};  // by shortened id; at most Options::jobs
    std::uint64_t other_jobs = 0;                   // the errors of all further jobs
  };

  explicit ErrorLog(Options options, Sink sink = {});

  // Counts and keeps the error, then passes one line to the sink. Ignores a job that succeeded.
  // Without memory to keep an error, it is not counted either.
  void job_finished(int worker, const Job& job, const JobResult& result) override;

  // Both return a copy, in O(Options::jobs) and O(Options::last). Neither waits for the sink.
  Counts counts() const;
  std::vector<Entry> last() const;  // oldest first

 private:
  void keep(const Entry& entry);
  void write(const std::string& line);

  const Options options_;
  mutable std::mutex mutex_;  // guards counts_ and last_
  Counts counts_;
  std::deque<Entry> last_;
  std::mutex sink_mutex_;  // separate, so that counts() does not wait for the sink
  const Sink sink_;        // called under sink_mutex_
};

// Shortens an id or a message to at most `bytes` bytes: returns the text, or its beginning followed
// by "...", or only as many dots as there is room for. Never cuts a UTF-8 character.
std::string shortened(std::string_view text, std::size_t bytes);

// Formats an error as one line, whatever its texts contain: control characters, backslashes and
// bytes that are not UTF-8 are written as \n, \t, \x1b, \\. If the message begins with the kind,
// the kind is left out:
//
//   Worker 2: job a failed: disk full
//   Worker 2: job a threw: bad index
//   Worker 2: job a: cancelled before it started
std::string to_line(const ErrorLog::Entry& entry);

}  // namespace worker_pool
