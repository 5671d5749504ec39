// Names of standard streams are tested with a program that has them: full_pattern_test.cc.
#include "full_pattern/console/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// A new folder for each test.
class OutputFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) / test->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  void create(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }

  static std::string error_of(const std::string& name) {
    const auto file = OutputFile::open(name);
    return file ? "no error" : file.error();
  }

  static std::string error_of(const std::expected<void, std::string>& done) {
    return done ? "no error" : done.error();
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  static mode_t mode_of(const std::string& name) {
    struct stat file{};
    EXPECT_EQ(stat(name.c_str(), &file), 0) << name;
    return file.st_mode & 07777;
  }

  const Watchdog watchdog_;
  std::filesystem::path folder_;
};

TEST_F(OutputFileTest, IsNotTouchedBeforeItIsWritten) {
  create("old", "old");
  {
    const auto old = OutputFile::open(path("old"));
    const auto missing = OutputFile::open(path("missing"));
    ASSERT_TRUE(old && missing);
    EXPECT_THAT(names(), ElementsAre("old"));
  }
  EXPECT_THAT(names(), ElementsAre("old"));
  EXPECT_EQ(contents(path("old")), "old");
}

TEST_F(OutputFileTest, HoldsWhatWasWrittenLast) {
  auto file = OutputFile::open(path("file"));
  ASSERT_TRUE(file);
  for (const std::string text : {"a long text", "short", ""}) {
    EXPECT_TRUE(file->write(text));
    EXPECT_EQ(contents(path("file")), text);
    EXPECT_THAT(names(), ElementsAre("file"));
  }
}

TEST_F(OutputFileTest, IsTheSameFileAfterTheProgramHasChangedItsFolder) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  auto file = OutputFile::open("file");
  std::filesystem::current_path(before);
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->write("text"));
  EXPECT_EQ(contents(path("file")), "text");
}

TEST_F(OutputFileTest, HasThePermissionsOfANewFileOrOfTheOneItReplaces) {
  const mode_t before = umask(0027);
  auto created = OutputFile::open(path("new"));
  ASSERT_TRUE(created);
  EXPECT_TRUE(created->write("text"));
  umask(before);
  EXPECT_EQ(mode_of(path("new")), 0640u);

  ASSERT_EQ(chmod(path("new").c_str(), 0604), 0);
  EXPECT_TRUE(created->write("text"));
  EXPECT_EQ(mode_of(path("new")), 0604u);
}

TEST_F(OutputFileTest, BehindASymbolicLinkIsReplacedAndTheLinkStays) {
  create("file", "old");
  std::filesystem::create_directory(path("sub"));
  std::filesystem::create_symlink("../file", path("sub/relative"));
  std::filesystem::create_symlink(path("sub/relative"), path("absolute"));
  std::filesystem::create_symlink("later", path("dangling"));
  for (const std::string link : {"sub/relative", "absolute", "dangling"}) {
    auto file = OutputFile::open(path(link));
    ASSERT_TRUE(file) << link;
    EXPECT_TRUE(file->write("by " + link)) << link;
    EXPECT_TRUE(std::filesystem::is_symlink(path(link))) << link;
    EXPECT_EQ(contents(path(link == "dangling" ? "later" : "file")), "by " + link);
  }
}

TEST_F(OutputFileTest, DeviceOrPipeIsWrittenInto) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  std::string seen;
  {
    const auto reader =
        watchdog_.thread("reader: for the writers", [&] { seen = contents(path("pipe")); });
    auto file = OutputFile::open(path("pipe"));
    ASSERT_TRUE(file);
    EXPECT_TRUE(file->write("first,"));
    EXPECT_TRUE(file->write("second"));
  }
  EXPECT_EQ(seen, "first,second");

  auto null = OutputFile::open("/dev/null");
  ASSERT_TRUE(null);
  EXPECT_TRUE(null->write("text"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null")) << "it was replaced";
}

// Ends by count.
TEST_F(OutputFileTest, ReaderNeverSeesAnEmptyOrACutFile) {
  constexpr std::size_t kLength = 20'000;
  constexpr int kTimes = 20;
  create("file", std::string(kLength, 'x'));
  std::atomic<int> writers = 2;
  const auto replace_often = [&](char letter) {
    auto file = OutputFile::open(path("file"));
    EXPECT_TRUE(file);
    for (int i = 0; file && i < kTimes; ++i) {
      EXPECT_TRUE(file->write(std::string(kLength, letter)));
    }
    --writers;
  };
  const auto a = watchdog_.thread("writer: replaces the file", [&] { replace_often('a'); });
  const auto b = watchdog_.thread("writer: replaces the file", [&] { replace_often('b'); });
  int wrong = 0;
  for (int reads = 0; writers > 0 || reads < kTimes; ++reads) {
    const std::string seen = contents(path("file"));
    if (seen.size() != kLength || seen.find_first_not_of(seen.front()) != seen.npos) ++wrong;
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_THAT(contents(path("file")), AnyOf(std::string(kLength, 'a'), std::string(kLength, 'b')));
  EXPECT_THAT(names(), ElementsAre("file"));
}

TEST_F(OutputFileTest, OldContentsSurviveAWriteThatFails) {
  create("file", "old");
  auto file = OutputFile::open(path("file"));
  ASSERT_TRUE(file);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);  // or it would end the test
  const rlimit small = {.rlim_cur = 10'000, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto done = file->write(std::string(10'001, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(error_of(done), path("file") + ": cannot be written: File too large");
  EXPECT_EQ(contents(path("file")), "old");
  EXPECT_THAT(names(), ElementsAre("file"));
  EXPECT_TRUE(file->write("new")) << "the next try works";
  EXPECT_EQ(contents(path("file")), "new");
}

// As in a container, where the program has the same number each time.
TEST_F(OutputFileTest, LeavesTheFilesOfAKilledProgramAloneThatHadTheSameProcessNumber) {
  constexpr std::size_t kLeft = 1'000;  // more than all tests of this program open and write
  for (std::size_t i = 1; i <= kLeft; ++i) {
    create(".output." + std::to_string(getpid()) + "." + std::to_string(i), "");
  }
  auto file = OutputFile::open(path("file"));
  ASSERT_TRUE(file) << file.error();
  EXPECT_EQ(error_of(file->write("text")), "no error");
  EXPECT_EQ(contents(path("file")), "text");
  EXPECT_EQ(names().size(), kLeft + 1) << "the files that were left, and the new one";
}

TEST_F(OutputFileTest, WriteErrorOfADeviceIsReturned) {
  auto full = OutputFile::open("/dev/full");
  ASSERT_TRUE(full);
  EXPECT_EQ(error_of(full->write("text")), "/dev/full: cannot be written: No space left on device");
}

TEST_F(OutputFileTest, FolderThatHasVanishedIsAWriteError) {
  std::filesystem::create_directory(path("sub"));
  auto file = OutputFile::open(path("sub/file"));
  ASSERT_TRUE(file);
  std::filesystem::remove(path("sub"));
  EXPECT_EQ(error_of(file->write("text")),
            path("sub/file") + ": cannot be written: No such file or directory");
}

TEST_F(OutputFileTest, RefusesWhatCannotBeWrittenAndNamesIt) {
  create("file", "old");
  std::filesystem::create_symlink("loop", path("loop"));
  EXPECT_EQ(error_of(""), "'': cannot be written: No such file or directory");
  EXPECT_EQ(error_of(path("no/such/file")),
            path("no/such/file") + ": cannot be written: No such file or directory");
  EXPECT_EQ(error_of(path("file/x")), path("file/x") + ": cannot be written: Not a directory");
  EXPECT_EQ(error_of(folder_), folder_.string() + ": cannot be written: Is a directory");
  EXPECT_THAT(error_of(path("new/")), HasSubstr("new/: cannot be written: "));
  EXPECT_THAT(error_of(path("loop")), HasSubstr("/loop: cannot be written: "));
  EXPECT_THAT(error_of(path("two\nlines/x")),
              HasSubstr("two'$'\\n''lines/x': cannot be written: "));
  EXPECT_THAT(names(), UnorderedElementsAre("file", "loop"));
}

TEST_F(OutputFileTest, NameThatIsTooLongIsRefusedInAShortLine) {
  for (const std::string& name : {path(std::string(5'000, 'x')), std::string(5'000, '/') + "x/y"}) {
    const std::string error = error_of(name);
    EXPECT_THAT(error, HasSubstr(": cannot be written: ")) << error;
    EXPECT_LT(error.size(), 600u);
  }
}

TEST_F(OutputFileTest, LongestNameOfAFileIsAccepted) {
  const std::string name(255, 'x');
  auto file = OutputFile::open(path(name));
  ASSERT_TRUE(file) << file.error();
  EXPECT_TRUE(file->write("text"));
  EXPECT_EQ(contents(path(name)), "text");
}

TEST_F(OutputFileTest, KnowsTheSameFileByAnotherName) {
  create("file", "");
  std::filesystem::create_symlink("file", path("link"));
  std::filesystem::create_symlink("missing", path("dangling"));
  const auto same = [](const std::string& a, const std::string& b) {
    const auto first = OutputFile::open(a);
    const auto second = OutputFile::open(b);
    EXPECT_TRUE(first && second) << a << " " << b;
    return first && second && first->same_as(*second);
  };
  EXPECT_TRUE(same(path("file"), path("./file")));
  EXPECT_TRUE(same(path("file"), path("link")));
  EXPECT_TRUE(same(path("missing"), path("dangling"))) << "neither exists yet";
  EXPECT_TRUE(same("-", "-"));
  EXPECT_FALSE(same(path("file"), path("missing")));
  EXPECT_FALSE(same(path("file"), "-"));
  EXPECT_FALSE(same("-", path("file")));
  EXPECT_FALSE(same("/dev/null", "/dev/null")) << "it may take everything";
}

}  // namespace
}  // namespace worker_pool
