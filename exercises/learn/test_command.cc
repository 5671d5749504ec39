#include "exercises/learn/test_command.h"

#include <string>
#include <vector>

namespace worker_pool {

std::vector<std::string> test_command(const Exercise& exercise) {
  return {"./bazelw",          "test",           "--noshow_progress", "--color=no", "--curses=no",
          "--test_output=all", exercise.target()};
}

std::vector<std::string> build_command(const std::vector<Exercise>& exercises) {
  std::vector<std::string> command = {"./bazelw",   "build",       "--noshow_progress",
                                      "--color=no", "--curses=no", "--keep_going"};
  for (const Exercise& exercise : exercises) command.push_back(exercise.target());
  return command;
}

}  // namespace worker_pool
