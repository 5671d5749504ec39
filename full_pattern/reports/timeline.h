// timeline(): draws a run with plain characters.
//
//   std::cout << timeline(recorder->recording(), report, terminal_width(stdout));  // terminal.h
//
//   Worker 1 |[1=============][4=============]
//   Worker 2 |[2=============][5============x]
//   Worker 3 |[3=============]
//   waiting  |2222222222222222
//             0 ms                    1002 ms
//   close at 0 ms
#pragma once

#include <string>

#include "full_pattern/observers/recording.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

// Returns one lane for each worker that had a job, a row for the waiting jobs, the time axis, and a
// line for each stage of the shutdown. No line is longer than `width` columns; a width below 40
// counts as 40. Ids are cut to fit, and characters that are not printable ASCII appear as '?'.
//
//   [id===]   a job that succeeded
//   [id==x]   a job that failed
//   [id==>    a job that is still running
//   #         one or more jobs too short for a bar
//   !         a job that was never started
//
// In the row for the waiting jobs, a column shows the largest number of jobs that waited at the
// same time: 1 to 9, + for more, or a blank for none.
std::string timeline(const Recording& recording, const ShutdownReport& report, int width);

}  // namespace worker_pool
