// What the hooks do for the lab. Without them (no_hooks.cc) it works, but sees only its own types.
#pragma once

#include <cstddef>

namespace worker_pool::lab {

// Whether the lab sees plain memory and std's atomics, so that it finds data races, in code that
// was compiled for it (../hooks.bzl).
bool has_hooks();

// The memory of a schedule. No thread of a scenario may be running.
void begin_schedule_memory();
// How many blocks of it have been allocated in this schedule and not freed.
std::size_t blocks_in_use();
// For a schedule that failed: its threads keep its memory.
void abandon_schedule_memory();

}  // namespace worker_pool::lab
