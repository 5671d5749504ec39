// Is somebody watching, and how wide is the window?
//
//   if (is_terminal(stderr)) show_progress();
//   draw_timeline(std::cout, terminal_width(stdout));
#pragma once

#include <cstdio>

namespace worker_pool {

// False for a file, a pipe, and everything else that keeps what is written to it.
bool is_terminal(std::FILE* file);

// In columns: 80 when `file` is no terminal, or is one that does not tell. Never less than 1. Looks
// each time, since a window can change.
int terminal_width(std::FILE* file);

}  // namespace worker_pool
