// run_program: a program as its user sees it: exit status, standard output, standard error.
#pragma once

#include <string>
#include <vector>

namespace worker_pool {

struct ProgramResult {
  int status = 0;  // exit status; 128 + N when signal N ended it
  std::string out{};
  std::string err{};
};

// Runs `command` in the POSIX shell and waits for it. One at a time in each test program.
ProgramResult run_program(const std::string& command);

// From what waitpid() tells, as ProgramResult::status has it.
int exit_status(int wait_status);

// What is in the file; nothing when it cannot be read.
std::string contents(const std::string& path);

// What a program printed, line by line, without the line ends.
std::vector<std::string> lines_of(const std::string& text);

}  // namespace worker_pool
