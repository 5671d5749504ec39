// prometheus_text(): the metrics of a pool in Prometheus' text exposition format, version 0.0.4.
//
//   std::ofstream("pool.prom") << prometheus_text(pool.metrics(), observer->snapshot());
//
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <string>

#include "full_pattern/observers/metrics_observer.h"
#include "full_pattern/worker_pool.h"

namespace worker_pool {

// Returns counters, gauges and two histograms, all named worker_pool_..., with times in seconds.
// The text does not depend on the locale and ends with a line end.
//
// A number that both arguments hold comes from `pool`. The two are snapshots of a running pool,
// taken one after the other, so a job that finishes in between is counted by only one of them.
std::string prometheus_text(const Metrics& pool, const MetricsObserver::Snapshot& observed);

}  // namespace worker_pool
