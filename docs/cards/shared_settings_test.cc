// Two threads may share an object through two std::shared_ptrs. One std::shared_ptr that a thread
// writes while another one copies it is a data race, because only the count is atomic. (WP-32)
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "testing/watchdog.h"

namespace worker_pool {
namespace {

struct Settings {
  int version = 0;
};

// Holds the settings that are valid now. Thread-safe. std::atomic<std::shared_ptr> could replace it
// where the library has that: libc++ does not.
class CurrentSettings {
 public:
  // Returns a pointer of the caller's own, which keeps these settings alive.
  std::shared_ptr<const Settings> get() const {
    const std::lock_guard lock(mutex_);
    return settings_;
  }

  void set(std::shared_ptr<const Settings> settings) {
    const std::lock_guard lock(mutex_);
    settings_.swap(settings);
    // The former settings are destroyed with the parameter, which is after unlocking.
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Settings> settings_ = std::make_shared<Settings>();
};

TEST(CurrentSettings, ReaderKeepsTheSettingsThatItGot) {
  CurrentSettings current;
  std::shared_ptr<const Settings> mine = current.get();
  const std::weak_ptr<const Settings> first = mine;
  current.set(std::make_shared<Settings>(1));
  EXPECT_EQ(mine->version, 0);
  EXPECT_EQ(current.get()->version, 1);
  mine.reset();
  EXPECT_TRUE(first.expired());
}

// ThreadSanitizer reports a race here if get() or set() does not lock.
TEST(CurrentSettings, ReadersAndAWriterDoNotRace) {
  constexpr int kLast = 1000;
  Watchdog watchdog;
  CurrentSettings current;
  const auto read = [&current] {
    for (int seen = 0; seen < kLast;) {
      const int version = current.get()->version;
      ASSERT_GE(version, seen);
      seen = version;
    }
  };
  const std::jthread reader = watchdog.thread("reader: for the last version", read);
  const std::jthread other = watchdog.thread("other reader: for the last version", read);
  for (int i = 1; i <= kLast; ++i) current.set(std::make_shared<Settings>(i));
}

}  // namespace
}  // namespace worker_pool
