#include "full_pattern/reports/prometheus.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "full_pattern/observers/histogram.h"

namespace worker_pool {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string number(Histogram::Seconds value) {
  std::array<char, 32> text;  // the shortest form has 24 characters at most
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value.count(),
                                 std::chars_format::general)
                       .ptr;
  return {text.data(), end};
}

void add_head(std::string& text, std::string_view name, std::string_view type,
              std::string_view help) {
  text.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

// `labels` are empty or in braces.
void add_sample(std::string& text, std::string_view name, std::string_view labels,
                std::string_view value) {
  text.append(name).append(labels).append(" ").append(value).append("\n");
}

void add_number(std::string& text, std::string_view name, std::string_view type,
                std::string_view help, std::uint64_t value) {
  add_head(text, name, type, help);
  add_sample(text, name, "", number(value));
}

void add_results(std::string& text, const MetricsObserver::Snapshot& observed) {
  constexpr std::string_view kName = "worker_pool_jobs_finished_total";
  add_head(text, kName, "counter", "Jobs that workers have finished, by result.");
  const auto add = [&text, kName](const std::string& result, std::uint64_t count) {
    add_sample(text, kName, "{result=\"" + result + "\"}", number(count));
  };
  add("succeeded", observed.succeeded);
  add("failed", observed.failed);
  add("threw", observed.threw);
  add("cancelled", observed.cancelled);
  add("deadline_exceeded", observed.deadline_exceeded);
  add("shut_down", observed.shut_down);
}

void add_histogram(std::string& text, const std::string& name, std::string_view help,
                   const Histogram& histogram) {
  add_head(text, name, "histogram", help);
  std::uint64_t up_to_here = 0;  // each bucket includes the buckets before it
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    up_to_here += histogram.buckets()[i];
    add_sample(text, name + "_bucket", "{le=\"" + number(Histogram::kBounds[i]) + "\"}",
               number(up_to_here));
  }
  add_sample(text, name + "_bucket", "{le=\"+Inf\"}", number(histogram.count()));
  add_sample(text, name + "_sum", "", number(histogram.sum()));
  add_sample(text, name + "_count", "", number(histogram.count()));
}

}  // namespace

std::string prometheus_text(const Metrics& pool, const MetricsObserver::Snapshot& observed) {
  std::string text;
  add_number(text, "worker_pool_jobs_submitted_total", "counter", "Jobs that were accepted.",
             pool.submitted);
  add_number(text, "worker_pool_jobs_rejected_total", "counter",
             "Jobs that were refused: the pool was full or closed, or a context had ended.",
             pool.rejected);
  add_number(text, "worker_pool_jobs_not_started_total", "counter",
             "Jobs that a shutdown handed back before they were started.", pool.not_started);
  add_results(text, observed);
  add_number(text, "worker_pool_jobs_queued", "gauge", "Jobs that are waiting for a worker.",
             pool.queued);
  add_number(text, "worker_pool_jobs_running", "gauge", "Jobs that a worker has received.",
             pool.running);
  add_histogram(text, "worker_pool_queue_wait_seconds",
                "Time from a job's submission to its start.", observed.queue_wait);
  add_histogram(text, "worker_pool_run_time_seconds", "Time from a job's start to its completion.",
                observed.run_time);
  return text;
}

}  // namespace worker_pool
