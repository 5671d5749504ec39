// ErrorLog: which jobs fail, how often, and why. In a bounded amount of memory, for a service that
// runs for months.
//
//   const auto print = [](std::string_view line) { std::cerr << line << std::endl; };
//   const auto errors = std::make_shared<ErrorLog>(ErrorLog::Options{.last = 20}, print);
//   WorkerPool pool({.workers = 3}, handler, errors);
//   ...
//   errors->counts().by_kind[JobError::Kind::kThrew]       // bugs: worth a call at night
//   errors->counts().by_job["a"]
//   errors->last()                                         // for the page that shows the newest
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
#include "step2_worker/worker.h"

namespace worker_pool {

// Every function may be called from many threads at once.
class ErrorLog final : public Observer {
 public:
  // The bounds. Each may be 0.
  struct Options {
    std::size_t last = 100;   // errors that last() has
    std::size_t jobs = 1000;  // ids that are counted each for itself: the first that fail
    std::size_t text = 200;   // bytes that are kept of an id or a message; see shortened()
  };

  // Where lines go, without a line end. May be empty. It is called for one line at a time, on the
  // thread of a worker, which waits for it; a slow one holds up the workers whose jobs fail and
  // nobody else. When it throws, only that line is lost. It must own what it uses: an abandoned
  // worker may call it late.
  using Sink = std::function<void(std::string_view line)>;

  struct Entry {
    std::string job{};  // its id
    int worker = 0;
    JobError error{};
  };

  // One consistent look: `all` is the sum of by_kind, and that of by_job and other_jobs. A kind or
  // a job without an error is not there.
  struct Counts {
    std::uint64_t all = 0;
    std::map<JobError::Kind, std::uint64_t> by_kind{};
    std::map<std::string, std::uint64_t> by_job{};  // by id as it is kept; Options::jobs at most
    std::uint64_t other_jobs = 0;                   // the errors of all the others together
  };

  explicit ErrorLog(Options options, Sink sink = {});

  // Counts and keeps the error, then hands the sink one line. A job that succeeded is not heard of.
  void job_finished(int worker, const Job& job, const JobResult& result) override;

  // Neither waits for the sink. Both copy: O(Options::jobs) and O(Options::last).
  Counts counts() const;
  std::vector<Entry> last() const;  // oldest first

 private:
  void keep(const Entry& entry);
  void write(const std::string& line);

  const Options options_;
  mutable std::mutex mutex_;  // guards counts_ and last_
  Counts counts_;
  std::deque<Entry> last_;
  std::mutex sink_mutex_;  // its own, so that a reader of the counts does not wait for the sink
  const Sink sink_;        // called under sink_mutex_
};

// An id or a message of at most `bytes` bytes: the text itself, or its beginning and "..." behind
// it. UTF-8 is not cut inside a character.
std::string shortened(std::string_view text, std::size_t bytes);

// An error in one line, whatever its texts contain: control characters (of ASCII) and backslashes
// are written as \n, \t, \x1b, \\. The kind is left out when the message begins with it:
//
//   Worker 2: job a failed: disk full
//   Worker 2: job a threw: bad index
//   Worker 2: job a: cancelled before it started
std::string to_line(const ErrorLog::Entry& entry);

}  // namespace worker_pool
