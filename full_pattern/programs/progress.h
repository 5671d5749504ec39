// ProgressLine: shows progress on a terminal, such as "12 of 150 files, 34.5/s, 5 s left".
//
//   const auto progress = std::make_shared<ProgressLine>(
//       std::cerr, ProgressLine::Options{.total = 150, .columns = terminal_width(stderr)});
//   WorkerPool pool({.workers = 3}, handler, progress);
//   ...
//   progress->make_room([&] { std::cout << result << std::endl; });
//   ...
//   progress->erase();  // at the end
//
// The caller decides whether to show progress at all, for example by can_redraw(stderr).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <ostream>
#include <string>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/observer.h"

namespace worker_pool {

// Returns the text of the line. The rate and the time left are computed from the whole run so far.
// Both are left out before the first file is done and at time 0; the time left is also left out
// when all files are done. It is rounded up to seconds, above an hour to minutes, and is at most
// 1000 h. A `done` above `total` counts as `total`.
std::string progress_text(std::size_t done, std::size_t total, Clock::duration elapsed);

// A line that is overwritten again and again. Thread-safe. Each function blocks as long as the
// terminal does.
class ProgressLine final : public Observer {
 public:
  struct Options {
    std::size_t total;  // the number of jobs
    int columns = 80;   // of the terminal; a line that fills them all would wrap
  };

  // Starts the clock and writes the line for 0 jobs. `out` must outlive all calls, except for calls
  // of job_finished() after erase(), which do not use it. `now` is for tests that control the time.
  ProgressLine(std::ostream& out, Options options,
               std::function<Clock::time_point()> now = Clock::now);

  // Counts the job, whatever its result. Writes the line if kInterval has passed since the last
  // one, and always for the last job. A line is one write, so no other output can appear inside it.
  void job_finished(int worker, const Job& job, const JobResult& result) override;

  // Erases the line, calls print(), and writes the line again below what print() has sent to the
  // terminal. Other threads wait for it to write the line.
  void make_room(const std::function<void()>& print);

  // Erases the line. From then on nothing is written, even if an abandoned worker finishes its job.
  // Idempotent.
  void erase();

  static constexpr Clock::duration kInterval = std::chrono::milliseconds(100);

 private:
  void show(Clock::time_point now);
  void write(const std::string& text);

  const std::function<Clock::time_point()> now_;
  const Options options_;
  const Clock::time_point start_;
  std::mutex mutex_;  // guards the members below
  std::ostream& out_;
  Clock::time_point last_written_;
  std::size_t done_ = 0;
  bool erased_ = false;
};

}  // namespace worker_pool
