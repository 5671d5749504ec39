#include "full_pattern/reports/run_report.h"

#include <cerrno>
#include <cstdio>
#include <expected>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "full_pattern/console/terminal.h"
#include "full_pattern/observers/observe_with.h"
#include "full_pattern/reports/prometheus.h"
#include "full_pattern/reports/timeline.h"
#include "full_pattern/reports/trace.h"

namespace worker_pool {
namespace {

// Returns false if `name` is not empty and cannot be written.
bool opened(std::ofstream& file, const std::string& name) {
  if (!name.empty()) file.open(name, std::ios::binary);
  return !file.fail();
}

// Returns whether both names mean the same existing regular file. A device may take both outputs.
bool same_file(const std::string& a, const std::string& b) {
  std::error_code ignored;  // an empty name or a missing file is not the same
  return std::filesystem::is_regular_file(a, ignored) && std::filesystem::equivalent(a, b, ignored);
}

// Closes the file, and adds its name to `lost` if it could not be written completely.
void finish(std::ofstream& file, const std::string& name, std::string& lost) {
  if (name.empty()) return;
  file.close();
  if (file.fail()) lost += (lost.empty() ? "" : " and ") + name;
}

}  // namespace

std::expected<RunReport, std::string> RunReport::open(const Options& options) {
  RunReport report(options);
  for (const auto& [file, name] : {std::pair(&report.trace_, &options.trace_file),
                                   std::pair(&report.metrics_, &options.metrics_file)}) {
    if (opened(*file, *name)) continue;
    return std::unexpected(*name +
                           ": cannot be written: " + std::generic_category().message(errno));
  }
  if (same_file(options.trace_file, options.metrics_file)) {
    return std::unexpected(options.metrics_file +
                           ": one file cannot hold both the trace and the metrics");
  }
  return report;
}

RunReport::RunReport(const Options& options) : options_(options) {
  if (options.timeline || !options.trace_file.empty()) recorder_ = std::make_shared<Recorder>();
  if (!options.metrics_file.empty()) observed_ = std::make_shared<MetricsObserver>();
}

std::shared_ptr<Observer> RunReport::observer() const {
  return observe_with({recorder_, observed_});
}

std::expected<void, std::string> RunReport::write(const Metrics& metrics,
                                                  const ShutdownReport& shutdown) {
  const Recording recording = recorder_ ? recorder_->recording() : Recording();
  if (options_.timeline) std::cout << timeline(recording, shutdown, terminal_width(stdout));
  if (trace_.is_open()) write_trace(trace_, recording, shutdown);
  if (observed_) metrics_ << prometheus_text(metrics, observed_->snapshot());

  std::string lost;
  finish(trace_, options_.trace_file, lost);
  finish(metrics_, options_.metrics_file, lost);
  if (!lost.empty()) return std::unexpected("cannot write to " + lost);
  return {};
}

}  // namespace worker_pool
