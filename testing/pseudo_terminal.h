// A terminal without a screen, for programs that do something else when somebody watches.
//
//   const ProgramResult run = run_on_terminal("my_program --timeline", 132);
//   EXPECT_EQ(run.out, "what the screen is sent, \r and escape sequences as they are\n");
#pragma once

#include <string>

#include "testing/run_program.h"

namespace worker_pool {

// Exists for as long as the object. Does not translate line ends: "\n" stays "\n".
class PseudoTerminal {
 public:
  // 0 columns: one that does not tell its width. Throws std::system_error.
  explicit PseudoTerminal(int columns);
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;
  ~PseudoTerminal();

  // What a program opens to write to it.
  const std::string& path() const { return path_; }

  // What the screen is sent next. Blocks until there is something; empty after hang_up(), when
  // everything has been read and no program has the terminal open any more.
  std::string read();
  void hang_up();

 private:
  int screen_;
  int keyboard_ = -1;  // keeps the terminal open until hang_up()
  std::string path_;
};

// run_program() with the command's standard output and error on a terminal. Both are in `out`: a
// terminal does not tell them apart. Also waits for what the command has left running there.
ProgramResult run_on_terminal(const std::string& command, int columns = 80);

}  // namespace worker_pool
