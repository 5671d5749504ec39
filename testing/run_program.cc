#include "testing/run_program.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace worker_pool {
namespace {

// Gives a signal its default effect until the end of the scope. A child inherits an ignored signal,
// and a shell cannot undo that.
class DefaultEffect {
 public:
  explicit DefaultEffect(int number) : number_(number), before_(signal(number, SIG_DFL)) {}
  DefaultEffect(const DefaultEffect&) = delete;
  DefaultEffect& operator=(const DefaultEffect&) = delete;
  ~DefaultEffect() { signal(number_, before_); }

 private:
  const int number_;
  void (*const before_)(int);
};

std::string scratch_file() {
  return ::testing::TempDir() + "/run_program." + std::to_string(getpid());
}

// As one word of a shell command.
std::string quoted(const std::string& path) {
  std::string text = "'";
  for (const char c : path) c == '\'' ? text += "'\\''" : text += c;
  return text + "'";
}

}  // namespace

ProgramResult run_program(const std::string& command) {
  const std::string out = scratch_file() + ".out";
  const std::string err = scratch_file() + ".err";
  const DefaultEffect pipe(SIGPIPE);
  const DefaultEffect file_size(SIGXFSZ);
  const int status =
      std::system(("{ " + command + "; } >" + quoted(out) + " 2>" + quoted(err)).c_str());
  return {exit_status(status), contents(out), contents(err)};
}

std::string without_reader(const std::string& command) {
  const std::string pipe = quoted(scratch_file() + ".pipe");
  // Each of the two blocks until the other one opens the pipe.
  return "rm -f " + pipe + "; mkfifo " + pipe + "; ( exec 4<" + pipe + " ) & exec 3>" + pipe +
         "; wait; { " + command + "; } >&3 3>&-";
}

int exit_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

std::string contents(const std::string& path) {
  if (std::filesystem::is_directory(path)) return "";  // a stream opens a folder, then throws
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace worker_pool
