#include "testing/pseudo_terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <future>
#include <string>
#include <system_error>
#include <utility>

#include "testing/run_program.h"

namespace worker_pool {
namespace {

// Returns `result`, or throws if it is -1, which means that `call` failed.
int checked(const char* call, int result) {
  if (result == -1) throw std::system_error(errno, std::generic_category(), call);
  return result;
}

std::string path_of_other_end(int screen) {
  checked("grantpt", grantpt(screen));
  checked("unlockpt", unlockpt(screen));
  return ptsname(screen);
}

void keep_line_ends(int terminal) {
  termios settings = {};
  checked("tcgetattr", tcgetattr(terminal, &settings));
  settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  checked("tcsetattr", tcsetattr(terminal, TCSANOW, &settings));
}

void set_columns(int terminal, int columns) {
  winsize size = {};
  size.ws_col = static_cast<unsigned short>(columns);
  checked("TIOCSWINSZ", ioctl(terminal, TIOCSWINSZ, &size));
}

}  // namespace

PseudoTerminal::PseudoTerminal(int columns)
    : screen_(checked("posix_openpt", posix_openpt(O_RDWR | O_NOCTTY))),
      path_(path_of_other_end(screen_)) {
  // A child that inherits the screen would keep it open.
  checked("fcntl", fcntl(screen_, F_SETFD, FD_CLOEXEC));
  keyboard_ = checked(path_.c_str(), open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  keep_line_ends(keyboard_);
  set_columns(keyboard_, columns);
}

PseudoTerminal::~PseudoTerminal() {
  hang_up();
  close(screen_);
}

std::string PseudoTerminal::read() {
  std::array<char, 4096> piece;
  ssize_t count = 0;
  do {
    count = ::read(screen_, piece.data(), piece.size());
  } while (count == -1 && errno == EINTR);
  // At the end, read() fails on Linux and returns 0 on other systems.
  return count > 0 ? std::string(piece.data(), static_cast<std::size_t>(count)) : "";
}

void PseudoTerminal::hang_up() {
  if (keyboard_ != -1) close(std::exchange(keyboard_, -1));
}

ProgramResult run_on_terminal(const std::string& command, int columns) {
  PseudoTerminal terminal(columns);
  setenv("TERM", "xterm", 1);
  // A separate thread reads, because a program blocks when its output is not read.
  std::future<std::string> seen = std::async(std::launch::async, [&terminal] {
    std::string all;
    for (std::string next = terminal.read(); !next.empty(); next = terminal.read()) all += next;
    return all;
  });
  ProgramResult result = run_program("{ " + command + "; } >'" + terminal.path() + "' 2>&1");
  terminal.hang_up();
  result.out = seen.get();
  return result;
}

}  // namespace worker_pool
