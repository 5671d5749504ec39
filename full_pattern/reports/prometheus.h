// prometheus_text(): the metrics of a pool in Prometheus' text exposition format, version 0.0.4.
//
//   auto file = OutputFile::open("pool.prom");                                  // output_file.h
//   ...
//   const auto done = file->write(prometheus_text(pool.metrics(), observer->snapshot()));
//
// Do not overwrite a file that Prometheus may be reading: most of its reads would find an empty or
// a cut file. OutputFile replaces it in one step.
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
// The numbers of jobs that have finished, by result, are those of `observed`, and all other numbers
// of jobs are those of `pool`. The two snapshots of a running pool are taken one after the other,
// so they may disagree about a job that finishes in between.
std::string prometheus_text(const Metrics& pool, const MetricsObserver::Snapshot& observed);

}  // namespace worker_pool
