// RunReport: the reports of a run that a program's flags ask for: a trace file, a metrics file and
// a timeline.
//
//   auto report = RunReport::open({.trace_file = "run.json", .timeline = true});
//   if (!report) return fail(report.error());               // before anything is started
//   WorkerPool pool(options, handler, report->observer());
//   ...
//   const ShutdownReport shutdown = pool.shutdown();
//   if (const auto written = report->write(pool.metrics(), shutdown); !written) ...
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "full_pattern/console/output_file.h"
#include "full_pattern/observers/metrics_observer.h"
#include "full_pattern/observers/recorder.h"
#include "full_pattern/worker_pool.h"
#include "step2_worker/observer.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

// Movable. Not thread-safe, except for the observer, which the workers call.
class RunReport {
 public:
  struct Options {
    std::string trace_file{};    // for write_trace(); empty for none, `-` for standard output
    std::string metrics_file{};  // for prometheus_text(); the same
    bool timeline = false;       // on standard output
  };

  // Opens the files before the run, so that a wrong name is found early, and changes none of them:
  // see output_file.h. The error is one line that names the file and the reason.
  static std::expected<RunReport, std::string> open(const Options& options);

  // Returns null if no option is set. The pool is then unobserved, which costs nothing.
  std::shared_ptr<Observer> observer() const;

  // Prints the timeline and writes the files. Call it once, after the shutdown. If one file cannot
  // be written, the other one is. The error is one line that names the files and the reasons. An
  // error on standard output shows in the state of std::cout.
  std::expected<void, std::string> write(const Metrics& metrics, const ShutdownReport& shutdown);

 private:
  explicit RunReport(const Options& options);

  bool timeline_;
  std::optional<OutputFile> trace_;
  std::optional<OutputFile> metrics_;
  std::shared_ptr<Recorder> recorder_;
  std::shared_ptr<MetricsObserver> observed_;
};

}  // namespace worker_pool
