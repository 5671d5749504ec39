// The terminal of an interactive program: keys without Enter and without echo, and signals that
// arrive between two steps of the program.
#pragma once

#include <signal.h>
#include <termios.h>

#include <cstddef>
#include <optional>

namespace worker_pool {

// Whether keys can be read and a screen shown: standard input and output are terminals.
bool is_interactive();

struct ScreenSize {
  std::size_t rows = 24;
  std::size_t columns = 80;
};

// Asks the system in each call, because the user can resize the window.
ScreenSize screen_size();

// Whether the terminal understands escape sequences (TERM), and whether the user wants colors
// (NO_COLOR).
bool can_erase();
bool wants_color();

// For as long as it exists, SIGHUP, SIGINT, SIGQUIT, SIGTERM and SIGTSTP wait until next() returns
// them. So they cannot interrupt a step, and no handler has to work with global state. Construct it
// before the program has other threads.
class HeldSignals {
 public:
  HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals();  // signals not taken have their usual effect now

  // Returns a signal that has arrived, or nothing. Does not block.
  std::optional<int> next();

  // Has the usual effect of a SIGTSTP: stops the program and returns after SIGCONT, or returns at
  // once if no shell could continue it.
  void stop();

 private:
  sigset_t held_;
  sigset_t before_;
};

// Keys from standard input, one at a time. The destructor leaves the terminal as it was.
class Keyboard {
 public:
  Keyboard();
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;
  ~Keyboard() { restore(); }

  // Returns the next key, nothing if there is none, and '\0' if the terminal has been closed. Enter
  // is '\n'. The escape sequence of a key such as an arrow is one key, '\x1b'.
  std::optional<char> next();

  // For a program that stops (Ctrl-Z): gives the terminal back, unless the shell has it already,
  // and takes it again. In the background, take() stops the program until it is in the foreground.
  void restore();
  void take();

 private:
  termios before_ = {};
};

}  // namespace worker_pool
