#include "full_pattern/reports/prometheus.h"

#include <gtest/gtest.h>

#include <chrono>
#include <locale>
#include <string>

#include "full_pattern/observers/metrics_observer.h"
#include "full_pattern/worker_pool.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

// Two waits and no run: one wait equals a bound, the other is above all bounds.
constexpr auto kText =
    R"(# HELP worker_pool_jobs_submitted_total Jobs that were accepted.
# TYPE worker_pool_jobs_submitted_total counter
worker_pool_jobs_submitted_total 1234567
# HELP worker_pool_jobs_rejected_total Jobs that were refused: the pool was full or closed, or a context had ended.
# TYPE worker_pool_jobs_rejected_total counter
worker_pool_jobs_rejected_total 2
# HELP worker_pool_jobs_not_started_total Jobs that a shutdown handed back before they were started.
# TYPE worker_pool_jobs_not_started_total counter
worker_pool_jobs_not_started_total 3
# HELP worker_pool_jobs_finished_total Jobs that workers have finished, by result.
# TYPE worker_pool_jobs_finished_total counter
worker_pool_jobs_finished_total{result="succeeded"} 4
worker_pool_jobs_finished_total{result="failed"} 5
worker_pool_jobs_finished_total{result="threw"} 6
worker_pool_jobs_finished_total{result="cancelled"} 7
worker_pool_jobs_finished_total{result="deadline_exceeded"} 8
worker_pool_jobs_finished_total{result="shut_down"} 11
# HELP worker_pool_jobs_queued Jobs that are waiting for a worker.
# TYPE worker_pool_jobs_queued gauge
worker_pool_jobs_queued 9
# HELP worker_pool_jobs_running Jobs that a worker has received.
# TYPE worker_pool_jobs_running gauge
worker_pool_jobs_running 10
# HELP worker_pool_queue_wait_seconds Time from a job's submission to its start.
# TYPE worker_pool_queue_wait_seconds histogram
worker_pool_queue_wait_seconds_bucket{le="1e-06"} 0
worker_pool_queue_wait_seconds_bucket{le="2e-06"} 0
worker_pool_queue_wait_seconds_bucket{le="5e-06"} 0
worker_pool_queue_wait_seconds_bucket{le="1e-05"} 0
worker_pool_queue_wait_seconds_bucket{le="2e-05"} 0
worker_pool_queue_wait_seconds_bucket{le="5e-05"} 0
worker_pool_queue_wait_seconds_bucket{le="0.0001"} 0
worker_pool_queue_wait_seconds_bucket{le="0.0002"} 0
worker_pool_queue_wait_seconds_bucket{le="0.0005"} 0
worker_pool_queue_wait_seconds_bucket{le="0.001"} 0
worker_pool_queue_wait_seconds_bucket{le="0.002"} 0
worker_pool_queue_wait_seconds_bucket{le="0.005"} 0
worker_pool_queue_wait_seconds_bucket{le="0.01"} 0
worker_pool_queue_wait_seconds_bucket{le="0.02"} 0
worker_pool_queue_wait_seconds_bucket{le="0.05"} 0
worker_pool_queue_wait_seconds_bucket{le="0.1"} 0
worker_pool_queue_wait_seconds_bucket{le="0.2"} 0
worker_pool_queue_wait_seconds_bucket{le="0.5"} 1
worker_pool_queue_wait_seconds_bucket{le="1"} 1
worker_pool_queue_wait_seconds_bucket{le="2"} 1
worker_pool_queue_wait_seconds_bucket{le="5"} 1
worker_pool_queue_wait_seconds_bucket{le="10"} 1
worker_pool_queue_wait_seconds_bucket{le="20"} 1
worker_pool_queue_wait_seconds_bucket{le="50"} 1
worker_pool_queue_wait_seconds_bucket{le="+Inf"} 2
worker_pool_queue_wait_seconds_sum 3600.5
worker_pool_queue_wait_seconds_count 2
# HELP worker_pool_run_time_seconds Time from a job's start to its completion.
# TYPE worker_pool_run_time_seconds histogram
worker_pool_run_time_seconds_bucket{le="1e-06"} 0
worker_pool_run_time_seconds_bucket{le="2e-06"} 0
worker_pool_run_time_seconds_bucket{le="5e-06"} 0
worker_pool_run_time_seconds_bucket{le="1e-05"} 0
worker_pool_run_time_seconds_bucket{le="2e-05"} 0
worker_pool_run_time_seconds_bucket{le="5e-05"} 0
worker_pool_run_time_seconds_bucket{le="0.0001"} 0
worker_pool_run_time_seconds_bucket{le="0.0002"} 0
worker_pool_run_time_seconds_bucket{le="0.0005"} 0
worker_pool_run_time_seconds_bucket{le="0.001"} 0
worker_pool_run_time_seconds_bucket{le="0.002"} 0
worker_pool_run_time_seconds_bucket{le="0.005"} 0
worker_pool_run_time_seconds_bucket{le="0.01"} 0
worker_pool_run_time_seconds_bucket{le="0.02"} 0
worker_pool_run_time_seconds_bucket{le="0.05"} 0
worker_pool_run_time_seconds_bucket{le="0.1"} 0
worker_pool_run_time_seconds_bucket{le="0.2"} 0
worker_pool_run_time_seconds_bucket{le="0.5"} 0
worker_pool_run_time_seconds_bucket{le="1"} 0
worker_pool_run_time_seconds_bucket{le="2"} 0
worker_pool_run_time_seconds_bucket{le="5"} 0
worker_pool_run_time_seconds_bucket{le="10"} 0
worker_pool_run_time_seconds_bucket{le="20"} 0
worker_pool_run_time_seconds_bucket{le="50"} 0
worker_pool_run_time_seconds_bucket{le="+Inf"} 0
worker_pool_run_time_seconds_sum 0
worker_pool_run_time_seconds_count 0
)";

std::string text() {
  const Metrics pool = {.submitted = 1'234'567,
                        .rejected = 2,
                        .succeeded = 99,
                        .failed = 99,
                        .shut_down = 99,
                        .not_started = 3,
                        .queued = 9,
                        .running = 10};
  MetricsObserver::Snapshot observed = {.succeeded = 4,
                                        .failed = 5,
                                        .threw = 6,
                                        .cancelled = 7,
                                        .deadline_exceeded = 8,
                                        .shut_down = 11,
                                        .running = 99};
  observed.queue_wait.add(500ms);
  observed.queue_wait.add(1h);
  return prometheus_text(pool, observed);
}

TEST(Prometheus, TextSaysEverythingOnce) { EXPECT_EQ(text(), kText); }

// A German locale would print 1.234.567 and 3600,5.
class German : public std::numpunct<char> {
 public:
  German() : numpunct(1) {}  // 1: the locale does not delete it

 private:
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(Prometheus, TextIsTheSameInEveryLocale) {
  static German german;
  const std::locale before = std::locale::global(std::locale(std::locale(), &german));
  const std::string in_german = text();
  std::locale::global(before);
  EXPECT_EQ(in_german, kText);
}

}  // namespace
}  // namespace worker_pool
