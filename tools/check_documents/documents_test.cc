#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tools/check_documents/checks.h"

namespace worker_pool {
namespace {

namespace fs = std::filesystem;

// COURSE_ROOT is a work tree, which has what Bazel does not see. Without it, the working folder of
// a test has the files that BUILD names as its data.
TEST(TheCourse, SaysWhatIsSo) {
  const char* const work_tree = std::getenv("COURSE_ROOT");
  const fs::path root = work_tree == nullptr ? fs::current_path() : fs::path(work_tree);
  for (const char* const file :
       {"README.md", ".ci/run", "tools/check_exercises", "testing/gate.h"}) {
    ASSERT_TRUE(fs::exists(root / file)) << file << " is not in " << root;
  }
  for (const std::string& finding : check_documents(root)) ADD_FAILURE() << finding;
}

}  // namespace
}  // namespace worker_pool
