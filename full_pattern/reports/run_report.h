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
#include <fstream>
#include <memory>
#include <string>

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
    std::string trace_file{};    // for write_trace(); empty for none
    std::string metrics_file{};  // for prometheus_text(); empty for none
    bool timeline = false;       // on standard output
  };

  // Opens the files before the run, so that a wrong name is found early. The error is one line that
  // names the file and the reason.
  static std::expected<RunReport, std::string> open(const Options& options);

  // Returns null if no option is set. The pool is then unobserved, which costs nothing.
  std::shared_ptr<Observer> observer() const;

  // Writes the files and prints the timeline. Call it once, after the shutdown. The error is one
  // line that names the files that could not be written.
  std::expected<void, std::string> write(const Metrics& metrics, const ShutdownReport& shutdown);

 private:
  explicit RunReport(const Options& options);

  Options options_;
  std::ofstream trace_;
  std::ofstream metrics_;
  std::shared_ptr<Recorder> recorder_;
  std::shared_ptr<MetricsObserver> observed_;
};

}  // namespace worker_pool
