// go_where_the_user_is(): for programs with file names as arguments, because `bazel run` starts a
// program in another folder.
//
//   int main(int argc, char** argv) {
//     go_where_the_user_is();  // before opening a file or starting a thread
#pragma once

#include <cstdlib>
#include <filesystem>

namespace worker_pool {

// Under `bazel run`, changes to the folder in which the user called it, so that relative file names
// mean what the user expects. Otherwise does nothing. Throws std::filesystem::filesystem_error if
// that folder no longer exists. The current folder belongs to the whole process, so only the main
// thread may call this, before it starts another one.
inline void go_where_the_user_is() {
  if (const char* folder = std::getenv("BUILD_WORKING_DIRECTORY")) {
    std::filesystem::current_path(folder);
  }
}

}  // namespace worker_pool
