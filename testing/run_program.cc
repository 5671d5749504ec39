#include "testing/run_program.h"

#include <gtest/gtest.h>
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

ProgramResult run_program(const std::string& command) {
  const std::string prefix = ::testing::TempDir() + "/run_program." + std::to_string(getpid());
  const std::string out = prefix + ".out";
  const std::string err = prefix + ".err";
  const int status = std::system(("{ " + command + "; } >'" + out + "' 2>'" + err + "'").c_str());
  return {exit_status(status), contents(out), contents(err)};
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
