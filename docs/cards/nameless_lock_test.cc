// A lock guard without a name is destroyed at the end of its statement, so it protects nothing.
// (WP-27)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

namespace worker_pool {
namespace {

using ::testing::ElementsAre;

// Records when it is locked and unlocked.
class RecordingMutex {
 public:
  explicit RecordingMutex(std::vector<std::string>& events) : events_(events) {}

  void lock() { events_.push_back("lock"); }
  void unlock() { events_.push_back("unlock"); }

 private:
  std::vector<std::string>& events_;
};

TEST(LockGuard, WithoutANameUnlocksBeforeTheNextStatement) {
  std::vector<std::string> events;
  RecordingMutex mutex(events);
  {
    // (void), because the library of GCC 14 and later warns about the discarded guard.
    (void)std::lock_guard<RecordingMutex>{mutex};
    events.push_back("write");
  }
  EXPECT_THAT(events, ElementsAre("lock", "unlock", "write"));
}

TEST(LockGuard, WithANameHoldsTheLockUntilItsScopeEnds) {
  std::vector<std::string> events;
  RecordingMutex mutex(events);
  {
    const std::lock_guard lock(mutex);
    events.push_back("write");
  }
  EXPECT_THAT(events, ElementsAre("lock", "write", "unlock"));
}

TEST(ScopedLock, OfNoMutexLocksNothing) {
  std::vector<std::string> events;
  RecordingMutex mutex(events);
  {
    [[maybe_unused]] const std::scoped_lock lock;  // meant: lock(mutex)
    events.push_back("write");
  }
  EXPECT_THAT(events, ElementsAre("write"));
}

}  // namespace
}  // namespace worker_pool
