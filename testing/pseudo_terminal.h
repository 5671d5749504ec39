// PseudoTerminal: a terminal without a screen, for programs that print differently on a terminal.
//
//   const ProgramResult run = run_on_terminal("my_program --timeline", 132);
//   EXPECT_EQ(run.out, "everything that was sent to the screen, with \r and escape sequences\n");
#pragma once

#include <string>

#include "testing/run_program.h"

namespace worker_pool {

// The terminal exists as long as the object. It does not translate line ends: "\n" stays "\n".
class PseudoTerminal {
 public:
  // With 0 columns the terminal reports no width. Throws std::system_error.
  explicit PseudoTerminal(int columns);
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;
  ~PseudoTerminal();

  // The device file that a program opens to write to the terminal.
  const std::string& path() const { return path_; }

  // Returns what is sent to the screen next. Blocks until there is something. Returns an empty
  // string after hang_up(), once everything has been read and no program has the terminal open.
  std::string read();
  void hang_up();

 private:
  int screen_;
  int keyboard_ = -1;  // keeps the terminal open until hang_up()
  std::string path_;
};

// Like run_program(), but with the command's standard output and error on a terminal, and with
// TERM=xterm. Both are in `out`, because a terminal does not separate them. Blocks until every
// program that the command started has closed the terminal.
ProgramResult run_on_terminal(const std::string& command, int columns = 80);

}  // namespace worker_pool
