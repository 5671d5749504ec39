#include "exercises/learn/watched_file.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "exercises/learn/fake_clone.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

TEST(WatchedFile, ASaveCountsOnceAfterItIsStable) {
  const FakeClone clone;
  WatchedFile file(clone.file("01_first"), 0ms);
  EXPECT_FALSE(file.was_saved());
  clone.save("01_first", "longer than before");
  EXPECT_FALSE(file.was_saved()) << "it may be half written";
  EXPECT_TRUE(file.was_saved());
  EXPECT_FALSE(file.was_saved()) << "it was reported already";
}

TEST(WatchedFile, AReplacedFileIsASave) {
  const FakeClone clone;
  WatchedFile file(clone.file("01_first"), 0ms);
  clone.replace("01_first", "changed");  // has the same length
  file.was_saved();
  EXPECT_TRUE(file.was_saved());
}

TEST(WatchedFile, AFileThatGrowsIsNotComplete) {
  const FakeClone clone;
  WatchedFile file(clone.file("01_first"), 0ms);
  clone.save("01_first", "half");
  EXPECT_FALSE(file.was_saved());
  clone.save("01_first", "half and half");
  EXPECT_FALSE(file.was_saved());
  EXPECT_TRUE(file.was_saved());
}

// Held keys make the session call it again at once.
TEST(WatchedFile, TwoCallsWithNoTimeInBetweenFindNoStableState) {
  const FakeClone clone;
  WatchedFile file(clone.file("01_first"), 1h);
  EXPECT_FALSE(file.was_saved());
  clone.save("01_first", "half written");
  EXPECT_FALSE(file.was_saved());
  EXPECT_FALSE(file.was_saved()) << "no time has passed between the two calls";
}

TEST(WatchedFile, AMissingOrEmptyFileIsNoSave) {
  const FakeClone clone;
  const auto path = clone.file("01_first");
  WatchedFile file(path, 0ms);
  std::filesystem::rename(path, path.string() + "~");
  EXPECT_FALSE(file.was_saved());
  EXPECT_FALSE(file.was_saved());
  clone.write(path, "");
  std::filesystem::resize_file(path, 0);
  EXPECT_FALSE(file.was_saved());
  EXPECT_FALSE(file.was_saved());
  clone.save("01_first", "complete");
  file.was_saved();
  EXPECT_TRUE(file.was_saved());
}

}  // namespace
}  // namespace worker_pool
