// The numbers of a pool as Prometheus reads them: its text exposition format, version 0.0.4.
//
//   std::ofstream("pool.prom") << prometheus_text(pool.metrics(), observer->snapshot());
//
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <string>

#include "full_pattern/observers/metrics_observer.h"
#include "full_pattern/worker_pool.h"

namespace worker_pool {

// Counters, gauges and two histograms, all named worker_pool_..., times in seconds. The same in
// every locale. Ends with a line end.
//
// What both know comes from `pool`. They are two looks at a pool that goes on working: a job that
// ends in between is counted by one of them only.
std::string prometheus_text(const Metrics& pool, const MetricsObserver::Snapshot& observed);

}  // namespace worker_pool
