#include "exercises/learn/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

namespace worker_pool {
namespace {

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool has_input() {
  pollfd input = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return poll(&input, 1, 0) > 0;
}

}  // namespace

bool is_interactive() { return isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0; }

ScreenSize screen_size() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
    return {};
  return {.rows = size.ws_row, .columns = size.ws_col};
}

bool can_erase() {
  const std::string_view term = variable("TERM");
  return isatty(STDOUT_FILENO) != 0 && !term.empty() && term != "dumb";
}

bool wants_color() { return can_erase() && variable("NO_COLOR").empty(); }

HeldSignals::HeldSignals() {
  sigemptyset(&held_);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP}) {
    // One that is ignored, as SIGHUP is under nohup, would not be ignored any more: Linux keeps it
    // while it is blocked.
    struct sigaction action = {};
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    sigaddset(&held_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &held_, &before_);
}

HeldSignals::~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

std::optional<int> HeldSignals::next() {
  sigset_t pending;
  sigpending(&pending);
  for (const int signal : {SIGHUP, SIGTERM, SIGQUIT, SIGINT, SIGTSTP}) {
    if (sigismember(&pending, signal) != 1) continue;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    int taken = 0;
    if (sigwait(&one, &taken) == 0) return taken;  // it is pending, so this does not block
  }
  return std::nullopt;
}

// Not SIGSTOP, which also stops a program that no shell can continue.
void HeldSignals::stop() {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGTSTP);
  raise(SIGTSTP);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  pthread_sigmask(SIG_BLOCK, &one, nullptr);
}

Keyboard::Keyboard() {
  tcgetattr(STDIN_FILENO, &before_);
  take();
}

std::optional<char> Keyboard::next() {
  if (!has_input()) return std::nullopt;
  char key = '\0';
  ssize_t count = 0;
  do {
    count = read(STDIN_FILENO, &key, 1);
  } while (count == -1 && errno == EINTR);
  if (count != 1) return '\0';
  if (key == '\x1b' && has_input()) {
    std::array<char, 16> rest;
    if (read(STDIN_FILENO, rest.data(), rest.size()) < 0) return '\0';
  }
  if (key == '\0') return '\x1b';  // Ctrl-Space
  return key == '\r' ? '\n' : key;
}

// Ctrl-C and Ctrl-Z stay signals. TCSADRAIN: a key typed meanwhile is not lost.
void Keyboard::take() {
  termios settings = before_;
  settings.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
}

// After a Ctrl-Z, the shell may have the terminal already, with a mode of its own. From the
// background, tcsetattr() would stop the program (SIGTTOU) in addition to the stop that follows.
void Keyboard::restore() {
  const pid_t foreground = tcgetpgrp(STDIN_FILENO);
  if (foreground != -1 && foreground != getpgrp()) return;
  sigset_t stop;
  sigset_t before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);  // the shell may take the terminal now
  pthread_sigmask(SIG_BLOCK, &stop, &before);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace worker_pool
