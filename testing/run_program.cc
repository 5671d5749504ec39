#include "testing/run_program.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace worker_pool {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

ProgramResult run_program(const std::string& command) {
  const std::string prefix = ::testing::TempDir() + "/run_program." + std::to_string(getpid());
  const std::string out = prefix + ".out";
  const std::string err = prefix + ".err";
  const int status = std::system(("{ " + command + "; } >'" + out + "' 2>'" + err + "'").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), contents(out),
          contents(err)};
}

}  // namespace worker_pool
