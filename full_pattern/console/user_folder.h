// For programs that are given file names: `bazel run` starts them in a folder of its own.
//
//   int main(int argc, char** argv) {
//     go_where_the_user_is();  // before the first file is opened and the first thread started
#pragma once

#include <cstdlib>
#include <filesystem>

namespace worker_pool {

// Makes relative file names mean what the user means by them: under `bazel run`, goes to the folder
// that it was called in; otherwise does nothing. Throws std::filesystem::filesystem_error when that
// folder is gone. The current folder belongs to the whole process: for the main thread only.
inline void go_where_the_user_is() {
  if (const char* folder = std::getenv("BUILD_WORKING_DIRECTORY")) {
    std::filesystem::current_path(folder);
  }
}

}  // namespace worker_pool
