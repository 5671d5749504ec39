// Measures what observers cost: nanoseconds per empty job, with and without them.
//
//   ./bazelw run -c opt //full_pattern/observers:observer_cost
//
// The rounds of all rows are interleaved, so that other load on the machine affects all of them.
// The table shows medians and quartiles. Compare rows of one run only. The ErrorLog has no sink: it
// counts and keeps errors, but prints nothing.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "full_pattern/observers/error_log.h"
#include "full_pattern/observers/metrics_observer.h"
#include "full_pattern/observers/observe_with.h"
#include "full_pattern/observers/recorder.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"

namespace worker_pool {
namespace {

constexpr int kRounds = 31;
constexpr int kJobs = 50'000;  // fewer than a Recorder keeps

JobResult succeed(const Job&, const Context&) { return {}; }
JobResult fail(const Job&, const Context&) { return std::unexpected(JobError{.message = "no"}); }

struct Row {
  std::string_view name;
  std::function<std::shared_ptr<Observer>()> make;
  JobHandler handler = succeed;
  std::string_view compared_with = "none";
  std::vector<double> ns_per_job{};
};

double measure(const Row& row) {
  WorkerPool pool({.workers = 3}, row.handler, row.make());
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < kJobs; ++i) {
    if (pool.submit(Job{.id = std::to_string(i)}) != SendStatus::kSent) std::abort();
  }
  (void)pool.shutdown({.drain = kForever});
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / kJobs;
}

double quantile(const std::vector<double>& sorted, double q) {
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
}

double median_of(const std::vector<Row>& rows, std::string_view name) {
  return quantile(std::ranges::find(rows, name, &Row::name)->ns_per_job, 0.5);
}

void print(std::vector<Row>& rows) {
  std::printf("%-22s %8s %8s %8s %8s %8s\n", "ns for each job", "lower q", "median", "upper q",
              "more", "ratio");
  for (Row& row : rows) std::ranges::sort(row.ns_per_job);
  for (const Row& row : rows) {
    const double median = quantile(row.ns_per_job, 0.5);
    const double base = median_of(rows, row.compared_with);
    std::printf("%-22s %8.0f %8.0f %8.0f %+8.0f %8.2f\n", std::string(row.name).c_str(),
                quantile(row.ns_per_job, 0.25), median, quantile(row.ns_per_job, 0.75),
                median - base, median / base);
  }
}

int run() {
  const auto none = [] { return nullptr; };
  const auto error_log = [] { return std::make_shared<ErrorLog>(ErrorLog::Options{}); };
  const auto metrics = [] { return std::make_shared<MetricsObserver>(); };
  const auto recorder = [] { return std::make_shared<Recorder>(); };
  const auto all = [&] { return observe_with({error_log(), metrics(), recorder()}); };
  std::vector<Row> rows = {
      {"none", none},
      {"none, once more", none},  // shows the noise
      {"ErrorLog", error_log},
      {"MetricsObserver", metrics},
      {"Recorder", recorder},
      {"all three", all},
      {"none, jobs fail", none, fail, "none, jobs fail"},
      {"all three, jobs fail", all, fail, "none, jobs fail"},
  };
  for (int round = 0; round < kRounds; ++round) {
    for (Row& row : rows) row.ns_per_job.push_back(measure(row));
  }
  print(rows);
  return 0;
}

}  // namespace
}  // namespace worker_pool

int main() { return worker_pool::run(); }
