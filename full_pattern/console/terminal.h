// Whether an output is a terminal that can erase a line, and how wide that terminal is.
//
//   if (can_redraw(stderr)) show_progress();
//   draw_timeline(std::cout, terminal_width(stdout));
#pragma once

#include <cstdio>

namespace worker_pool {

// Returns false for a file, a pipe and everything else that is not a terminal, and for a terminal
// that may not understand escape sequences: if the variable TERM is `dumb`, as in the terminals of
// some editors, or is not set. Windows does not use TERM.
bool can_redraw(std::FILE* file);

// Returns the width in columns, or 80 if `file` is not a terminal or reports no width. At least 1.
// Asks the system in each call, because the user can resize the window.
int terminal_width(std::FILE* file);

}  // namespace worker_pool
