// timeline: a run as a picture of plain characters.
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

#include "full_pattern/observers/recorder.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

// A lane for each worker that had a job, a row for the jobs that waited, the time below, and a line
// for each stage of the shutdown. No line is longer than `width` columns, which is taken as 40 when
// it is less. Ids are cut to fit, and what is not printable ASCII in them is shown as '?'.
//
//   [id===]   a job           [id==x]   one that did not succeed       [id==>   one that still runs
//   #         jobs too short for a bar    !         one that was never started
//   1 to 9    that many jobs waited at most in that column; +: more; blank: none
std::string timeline(const Recording& recording, const ShutdownReport& report, int width);

}  // namespace worker_pool
