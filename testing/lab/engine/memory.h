// The memory of a schedule (memory_hooks.cc). Without the hooks, these functions do nothing.
#pragma once

namespace worker_pool::lab {

// No thread of a scenario may be running.
void begin_schedule_memory();
// For a schedule that failed: its threads keep its memory.
void abandon_schedule_memory();

}  // namespace worker_pool::lab
