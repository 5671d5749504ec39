// write_trace: a run as a file that trace viewers open.
//
//   std::ofstream file("run.json");
//   write_trace(file, recorder->recording(), report);
//
// For ui.perfetto.dev and chrome://tracing: a lane for each worker, a bar for each job with its
// result and how long it had waited, the number of waiting jobs as a curve, and a mark for each
// stage of the shutdown. speedscope.app shows the bars, one lane at a time.
#pragma once

#include <ostream>

#include "full_pattern/observers/recorder.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

// Writes the "JSON object format" of Chrome's trace events: complete (X), counter (C), instant (i)
// and metadata (M) events. Always valid JSON in UTF-8, whatever bytes an id or a message has; what
// is not UTF-8 becomes U+FFFD. Times are microseconds from the begin of the recording. Whether it
// could be written is for the caller to ask the stream.
void write_trace(std::ostream& out, const Recording& recording, const ShutdownReport& report);

}  // namespace worker_pool
