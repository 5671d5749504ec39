// write_trace(): writes a run as a file that trace viewers open.
//
//   std::ostringstream text;
//   write_trace(text, recorder->recording(), report);
//   const auto done = file.write(text.view());  // an OutputFile, which is never cut: output_file.h
//
// ui.perfetto.dev and chrome://tracing show a lane for each worker, a bar for each job with its
// result and waiting time, a curve of the number of waiting jobs, and a mark for each stage of the
// shutdown. speedscope.app shows the bars, one lane at a time.
#pragma once

#include <ostream>

#include "full_pattern/observers/recording.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

// Writes the "JSON object format" of Chrome's trace events: complete (X), counter (C), instant (i)
// and metadata (M) events. The output is always valid JSON in UTF-8: a byte of an id or a message
// that is not UTF-8 becomes U+FFFD. Times are in microseconds since the beginning of the recording.
// Write errors show in the state of the stream.
void write_trace(std::ostream& out, const Recording& recording, const ShutdownReport& report);

}  // namespace worker_pool
