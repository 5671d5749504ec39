#include "full_pattern/reports/run_report.h"

#include <cstdio>
#include <expected>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "full_pattern/console/output_file.h"
#include "full_pattern/console/quoted_name.h"
#include "full_pattern/console/terminal.h"
#include "full_pattern/observers/observe_with.h"
#include "full_pattern/reports/prometheus.h"
#include "full_pattern/reports/timeline.h"
#include "full_pattern/reports/trace.h"

namespace worker_pool {
namespace {

// Leaves `file` empty if `name` is.
std::expected<void, std::string> open_into(std::optional<OutputFile>& file,
                                           const std::string& name) {
  if (name.empty()) return {};
  auto opened = OutputFile::open(name);
  if (!opened) return std::unexpected(opened.error());
  file.emplace(*std::move(opened));
  return {};
}

// Writes the text, and adds to `errors` if that fails.
void write_to(OutputFile& file, std::string_view text, std::string& errors) {
  const auto written = file.write(text);
  if (!written) errors += (errors.empty() ? "" : "; ") + written.error();
}

}  // namespace

std::expected<RunReport, std::string> RunReport::open(const Options& options) {
  RunReport report(options);
  for (const auto& [file, name] : {std::pair(&report.trace_, &options.trace_file),
                                   std::pair(&report.metrics_, &options.metrics_file)}) {
    if (const auto opened = open_into(*file, *name); !opened) {
      return std::unexpected(opened.error());
    }
  }
  if (report.trace_ && report.metrics_ && report.trace_->same_as(*report.metrics_)) {
    return std::unexpected(quoted_name(options.metrics_file) +
                           ": one file cannot hold both the trace and the metrics");
  }
  return report;
}

RunReport::RunReport(const Options& options) : timeline_(options.timeline) {
  if (options.timeline || !options.trace_file.empty()) recorder_ = std::make_shared<Recorder>();
  if (!options.metrics_file.empty()) observed_ = std::make_shared<MetricsObserver>();
}

std::shared_ptr<Observer> RunReport::observer() const {
  return observe_with({recorder_, observed_});
}

std::expected<void, std::string> RunReport::write(const Metrics& metrics,
                                                  const ShutdownReport& shutdown) {
  const Recording recording = recorder_ ? recorder_->recording() : Recording();
  if (timeline_) std::cout << timeline(recording, shutdown, terminal_width(stdout));
  std::string errors;
  if (trace_) {
    std::ostringstream text;
    write_trace(text, recording, shutdown);
    write_to(*trace_, text.view(), errors);
  }
  if (metrics_) write_to(*metrics_, prometheus_text(metrics, observed_->snapshot()), errors);
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return {};
}

}  // namespace worker_pool
