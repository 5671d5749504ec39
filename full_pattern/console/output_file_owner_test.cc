// A file of another user or group, replaced by a user who may not keep its owner. Needs root, and
// Linux, where one thread can act as another user.
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <ostream>
#include <sstream>
#include <string>

#include "full_pattern/console/output_file.h"
#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

constexpr uid_t kUser = 12'345;
constexpr uid_t kOtherUser = 12'346;
constexpr gid_t kOwnGroup = 22'345;
constexpr gid_t kSecondGroup = 22'346;
constexpr gid_t kForeignGroup = 22'347;

// Runs `body` in a thread that uses files as kUser, who is in the first two groups.
template <class Body>
void as_user(const Watchdog& watchdog, Body body) {
  const auto thread = watchdog.thread("user: replaces the file", [&body] {
    const gid_t groups = kSecondGroup;
    ASSERT_EQ(syscall(SYS_setgroups, 1, &groups), 0);  // of this thread only, unlike setgroups()
    setfsgid(kOwnGroup);
    setfsuid(kUser);
    body();
  });
}

// Returns "OWNER GROUP MODE", the last in octal.
std::string rights_of(const std::string& name) {
  struct stat file{};
  EXPECT_EQ(stat(name.c_str(), &file), 0) << name;
  std::ostringstream text;
  text << file.st_uid << " " << file.st_gid << " " << std::oct << (file.st_mode & 07777);
  return text.str();
}

struct Case {
  const char* what;
  uid_t owner;
  gid_t group;
  mode_t mode;
  const char* rights_after;
};

void PrintTo(const Case& which, std::ostream* out) { *out << which.what; }

class OutputFileOwner : public ::testing::TestWithParam<Case> {
 protected:
  // Creates a folder of kUser. Not in TempDir(), because root's own folders are closed to kUser.
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / "output_file_owner_test.XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    if (chown(folder_.c_str(), kUser, kOwnGroup) != 0) GTEST_SKIP() << "needs root";
  }

  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

TEST_P(OutputFileOwner, RightsOfAGroupGoToNoOtherGroup) {
  const Watchdog watchdog;
  const auto& [what, owner, group, mode, rights_after] = GetParam();
  const std::string name = folder_ + "/file";
  std::ofstream(name) << "old";
  ASSERT_EQ(chown(name.c_str(), owner, group), 0);
  ASSERT_EQ(chmod(name.c_str(), mode), 0);
  as_user(watchdog, [&name] {
    auto file = OutputFile::open(name);
    ASSERT_TRUE(file) << file.error();
    EXPECT_TRUE(file->write("new"));
  });
  EXPECT_EQ(contents(name), "new");
  EXPECT_EQ(rights_of(name), rights_after);
}

INSTANTIATE_TEST_SUITE_P(
    Of, OutputFileOwner,
    ::testing::Values(
        Case{"AFileOfTheUser", kUser, kOwnGroup, 0660, "12345 22345 660"},
        Case{"AFileOfTheSecondGroup", kUser, kSecondGroup, 0664, "12345 22346 664"},
        Case{"AnotherUsersFileOfTheSecondGroup", kOtherUser, kSecondGroup, 0664, "12345 22346 664"},
        Case{"AProgramOfAnotherUser", kOtherUser, kSecondGroup, 06775, "12345 22346 775"},
        Case{"AFileOfAForeignGroup", kUser, kForeignGroup, 0664, "12345 22345 604"},
        Case{"AProgramOfAForeignGroup", kUser, kForeignGroup, 06775, "12345 22345 705"}),
    [](const auto& which) { return std::string(which.param.what); });

}  // namespace
}  // namespace worker_pool
