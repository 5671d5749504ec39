// run_program(): runs a program and returns what its user sees: exit status, output and errors.
//
//   const ProgramResult run = run_program("my_program --jobs=2 </dev/null");
//   EXPECT_EQ(run.status, 0) << run.err;
#pragma once

#include <string>
#include <vector>

namespace worker_pool {

struct ProgramResult {
  int status = 0;  // the exit status, or 128 + N if signal N ended the program
  std::string out{};
  std::string err{};
};

// Runs `command` in the POSIX shell and blocks until it exits. A test program runs one at a time.
// SIGPIPE and SIGXFSZ have their default effect in it, whatever their effect in the test program.
ProgramResult run_program(const std::string& command);

// Returns a command that runs `command` with its standard output on a pipe whose reader has exited
// already, as at the end of `command | head -1`.
std::string without_reader(const std::string& command);

// Converts the status that waitpid() stores into ProgramResult::status.
int exit_status(int wait_status);

// Returns the contents of the file, or nothing if it cannot be read.
std::string contents(const std::string& path);

// Splits a text into lines, without their line ends.
std::vector<std::string> lines_of(const std::string& text);

}  // namespace worker_pool
