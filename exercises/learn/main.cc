// ./learn: help_text() in commands.cc says what it does. The script `learn` starts it with
// `bazel run`, which tells it in BUILD_WORKSPACE_DIRECTORY where the clone is.
#include <signal.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "exercises/learn/commands.h"
#include "exercises/learn/exercise_list.h"
#include "exercises/learn/progress.h"
#include "exercises/learn/session.h"
#include "exercises/learn/terminal.h"

namespace worker_pool {
namespace {

using Arguments = std::vector<std::string>;

constexpr int kWrongArgument = 2;

int fail(int status, const std::string& why) {
  std::fputs(("learn: " + why + "\n").c_str(), stderr);
  return status;
}

int print_help() {
  std::fputs(std::string(help_text()).c_str(), stdout);
  return 0;
}

int verify_named(const std::vector<Exercise>& exercises, Progress& progress,
                 const Arguments& names) {
  if (names.empty()) return verify(exercises, progress);
  std::vector<Exercise> chosen;
  for (const std::string& name : names) {
    const auto index = find_exercise(exercises, name);
    if (!index) return fail(kWrongArgument, index.error());
    chosen.push_back(exercises[*index]);
  }
  return verify(chosen, progress);
}

int learn(const std::vector<Exercise>& exercises, Progress& progress, std::size_t start) {
  if (!is_interactive()) return show_state(exercises, progress, start);
  return Session(exercises, progress, start).run();
}

int learn_next(const std::vector<Exercise>& exercises, Progress& progress) {
  const auto next = progress.next_unsolved(exercises, progress.position(exercises));
  if (next) return learn(exercises, progress, *next);
  std::printf(
      "All %zu exercises are solved. ./learn list shows them, ./learn %s opens the first.\n",
      exercises.size(), exercises.front().name.substr(0, 2).c_str());
  return 0;
}

int run(const Arguments& arguments) {
  const char* const clone = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (clone == nullptr) return fail(kWrongArgument, "start it with ./learn");
  std::filesystem::current_path(clone);
  const std::string command = arguments.empty() ? "" : arguments.front();
  const Arguments rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  if (command != "verify" && !rest.empty())
    return fail(kWrongArgument, "\"" + rest.front() + "\" is one argument too many; only verify " +
                                    "takes more than one, and ./learn help shows all commands");
  if (command == "help" || command == "--help" || command == "-h") return print_help();
  const std::vector<Exercise> exercises = read_exercises(".");
  Progress progress(".");
  if (arguments.empty()) return learn_next(exercises, progress);
  if (command == "list") return list(exercises, progress);
  if (command == "verify") return verify_named(exercises, progress, rest);
  const auto index = find_exercise(exercises, command);
  if (!index) return fail(kWrongArgument, index.error());
  return learn(exercises, progress, *index);
}

}  // namespace
}  // namespace worker_pool

int main(int argc, char** argv) {
  signal(SIGCHLD, SIG_DFL);  // if the parent ignores it, the statuses of tests would be lost
  try {
    return worker_pool::run({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    return worker_pool::fail(1, e.what());
  }
}
