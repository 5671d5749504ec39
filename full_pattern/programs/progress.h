// Progress on a terminal while files are read: "12 of 150 files, 34.5/s, 4 s left".
//
//   const auto progress = std::make_shared<ProgressLine>(
//       std::cerr, ProgressLine::Options{.total = 150, .columns = terminal_width(stderr)});
//   WorkerPool pool({.workers = 3}, handler, progress);
//   ...
//   progress->erase();  // the results take its place
//
// Whether anybody wants to see it, such as is_terminal(stderr), is for its owner to decide.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <ostream>
#include <string>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/worker.h"

namespace worker_pool {

// The rate and the time left are those of the whole run up to now. They are left out where they
// mean nothing: before the first file is done, without any time, and what is left when all are
// done. The time left is rounded up to a second, above an hour to a minute, and is never more than
// 1000 h. `done` above `total` counts as `total`.
std::string progress_text(std::size_t done, std::size_t total, Clock::duration elapsed);

// One line that is written over again and again. Every function may be called from many threads at
// once, and blocks for as long as the terminal does.
class ProgressLine final : public Observer {
 public:
  struct Options {
    std::size_t total;  // how many jobs there will be
    int columns = 80;   // of the terminal: a line that reached the end would go on to the next
  };

  // Writes the line for no job; the time starts now. `out` outlives the last call but for
  // job_finished() after erase(), which leaves it alone. `now` is for tests that set the time
  // themselves.
  ProgressLine(std::ostream& out, Options options,
               std::function<Clock::time_point()> now = Clock::now);

  // Counts the job, whatever became of it. Writes the line when kInterval has passed since the last
  // one, and in any case for the last job. A line is written at once: no other
  // output can come between its letters.
  void job_finished(int worker, const Job& job, const JobResult& result) override;

  // Takes the line away, if there is one. Nothing is written from then on: workers that were
  // abandoned may still finish their jobs. Idempotent.
  void erase();

  static constexpr Clock::duration kInterval = std::chrono::milliseconds(100);

 private:
  void show(Clock::time_point now);
  void write(const std::string& text);

  const std::function<Clock::time_point()> now_;
  const Options options_;
  const Clock::time_point start_;
  std::mutex mutex_;  // guards everything below
  std::ostream& out_;
  Clock::time_point last_written_;
  std::size_t done_ = 0;
  bool erased_ = false;
};

}  // namespace worker_pool
