#include "full_pattern/console/terminal.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

#if defined(_WIN32)
#include <io.h>
#include <windows.h>
#else
#include <sys/ioctl.h>
#include <unistd.h>
#endif

namespace worker_pool {
namespace {

// Returns 0 if the width is unknown.
#if defined(_WIN32)
int columns(std::FILE* file) {
  const auto handle = reinterpret_cast<HANDLE>(_get_osfhandle(_fileno(file)));
  CONSOLE_SCREEN_BUFFER_INFO info;
  if (!GetConsoleScreenBufferInfo(handle, &info)) return 0;
  return info.srWindow.Right - info.srWindow.Left + 1;
}
#else
int columns(std::FILE* file) {
  winsize size = {};
  return ioctl(fileno(file), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
#endif

bool is_terminal(std::FILE* file) {
#if defined(_WIN32)
  return _isatty(_fileno(file)) != 0;
#else
  return isatty(fileno(file)) != 0;
#endif
}

bool understands_escapes() {
#if defined(_WIN32)
  return true;
#else
  const char* const term = std::getenv("TERM");
  const std::string_view kind = term != nullptr ? term : "";
  return !kind.empty() && kind != "dumb";
#endif
}

}  // namespace

bool can_redraw(std::FILE* file) { return is_terminal(file) && understands_escapes(); }

int terminal_width(std::FILE* file) {
  constexpr int kUsual = 80;
  const int width = columns(file);
  return width > 0 ? width : kUsual;
}

}  // namespace worker_pool
