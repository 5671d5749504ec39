// Whether an output is a terminal, and how wide that terminal is.
//
//   if (is_terminal(stderr)) show_progress();
//   draw_timeline(std::cout, terminal_width(stdout));
#pragma once

#include <cstdio>

namespace worker_pool {

// Returns false for a file, a pipe and everything else that is not a terminal.
bool is_terminal(std::FILE* file);

// Returns the width in columns, or 80 if `file` is not a terminal or reports no width. At least 1.
// Asks the system in each call, because the user can resize the window.
int terminal_width(std::FILE* file);

}  // namespace worker_pool
