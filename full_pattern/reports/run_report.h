// Pictures: what a program can show of a run besides its log lines, when flags ask for it.
//
//   auto pictures = Pictures::open({.trace_file = "run.json", .timeline = true});
//   if (!pictures) return complain(pictures.error());       // before anything is started
//   WorkerPool pool(options, handler, pictures->observer());
//   ...
//   const ShutdownReport report = pool.shutdown();
//   if (const auto shown = pictures->show(pool.metrics(), report); !shown) ...
#pragma once

#include <expected>
#include <fstream>
#include <memory>
#include <string>

#include "full_pattern/observers/metrics_observer.h"
#include "full_pattern/observers/recorder.h"
#include "full_pattern/worker_pool.h"
#include "step2_worker/worker.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

// Movable. For one thread; the observer is for the workers.
class Pictures {
 public:
  struct Options {
    std::string trace_file{};    // for write_trace(); empty: none
    std::string metrics_file{};  // for prometheus_text(); empty: none
    bool timeline = false;       // on standard output
  };

  // Opens the files, so that a name that is wrong does not cost a whole run. The error is one line
  // that names the file and says why.
  static std::expected<Pictures, std::string> open(const Options& options);

  // Null when nothing was asked for: then nothing is observed, and it costs nothing.
  std::shared_ptr<Observer> observer() const;

  // Once, after the shutdown. The error is one line: which files could not be written.
  std::expected<void, std::string> show(const Metrics& metrics, const ShutdownReport& report);

 private:
  explicit Pictures(const Options& options);

  Options options_;
  std::ofstream trace_;
  std::ofstream metrics_;
  std::shared_ptr<Recorder> recorder_;
  std::shared_ptr<MetricsObserver> observed_;
};

}  // namespace worker_pool
