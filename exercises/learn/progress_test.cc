#include "exercises/learn/progress.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "exercises/learn/fake_clone.h"

namespace worker_pool {
namespace {

void expect_only_the_state(const FakeClone& clone) {
  for (const auto& entry : std::filesystem::directory_iterator(clone.path()))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".learn.")) << entry.path();
}

TEST(Progress, AnExerciseIsSolvedForTheContentThatWasGreen) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  Progress progress(clone.path());
  EXPECT_FALSE(progress.is_solved(exercises[0]));
  clone.save("01_first", "fixed");
  EXPECT_TRUE(progress.record_green(exercises[0], *content_hash(clone.file("01_first"))));
  EXPECT_TRUE(progress.is_solved(exercises[0]));
  clone.save("01_first", "changed");
  EXPECT_FALSE(progress.is_solved(exercises[0])) << "the file is not the one that was green";
  clone.save("01_first", "fixed");
  EXPECT_TRUE(progress.is_solved(exercises[0])) << "the same content counts again";
}

TEST(Progress, IsKeptInTheClone) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  {
    Progress progress(clone.path());
    progress.record_green(exercises[0], *content_hash(clone.file("01_first")));
    progress.record_position(exercises[2]);
  }
  const Progress progress(clone.path());
  EXPECT_TRUE(progress.is_solved(exercises[0]));
  EXPECT_EQ(progress.count_solved(exercises), 1U);
  EXPECT_EQ(progress.position(exercises), 2U);
}

TEST(Progress, TwoProgramsKeepWhatTheOtherHasWritten) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  Progress one(clone.path());
  Progress two(clone.path());
  one.record_green(exercises[0], *content_hash(clone.file("01_first")));
  two.record_green(exercises[1], *content_hash(clone.file("03_third")));
  EXPECT_EQ(Progress(clone.path()).count_solved(exercises), 2U);
}

TEST(Progress, TheNextOneIsTheFirstUnsolvedFromThePositionOn) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  Progress progress(clone.path());
  EXPECT_EQ(progress.next_unsolved(exercises, 1), 1U);
  progress.record_green(exercises[1], *content_hash(clone.file("03_third")));
  EXPECT_EQ(progress.next_unsolved(exercises, 1), 2U);
  progress.record_green(exercises[2], *content_hash(clone.file("02_second")));
  EXPECT_EQ(progress.next_unsolved(exercises, 1), 0U) << "after the last one comes the first";
  progress.record_green(exercises[0], *content_hash(clone.file("01_first")));
  EXPECT_EQ(progress.next_unsolved(exercises, 1), std::nullopt);
}

TEST(Progress, IgnoresADamagedFile) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  clone.write(".learn", "at\ngreen 01_first\nnonsense\n\n");
  const Progress progress(clone.path());
  EXPECT_EQ(progress.count_solved(exercises), 0U);
  EXPECT_EQ(progress.position(exercises), 0U);
}

TEST(Progress, SaysThatItCannotBeWritten) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  Progress progress(clone.path() + "/missing");
  EXPECT_FALSE(progress.record_position(exercises[0]));
}

TEST(Progress, SaysThatItCannotReplaceTheFile) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  clone.write(".learn/something", "so .learn is a folder, and no file takes its place");
  Progress progress(clone.path());
  EXPECT_FALSE(progress.record_position(exercises[0]));
  expect_only_the_state(clone);
}

// No byte can be written, as on a full disk.
TEST(Progress, LeavesNoHalfWrittenFile) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  Progress progress(clone.path());
  ASSERT_TRUE(progress.record_position(exercises[1]));
  signal(SIGXFSZ, SIG_IGN);
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  const bool is_saved = progress.record_position(exercises[2]);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  signal(SIGXFSZ, SIG_DFL);
  EXPECT_FALSE(is_saved);
  EXPECT_EQ(Progress(clone.path()).position(exercises), 1U) << "what was saved before";
  expect_only_the_state(clone);
}

TEST(Progress, AnEmptyOrMissingFileHasNoHash) {
  const FakeClone clone;
  EXPECT_EQ(content_hash(clone.path() + "/missing"), std::nullopt);
  EXPECT_EQ(content_hash(clone.path()), std::nullopt);
  EXPECT_NE(content_hash(clone.file("01_first")), std::nullopt);
}

}  // namespace
}  // namespace worker_pool
