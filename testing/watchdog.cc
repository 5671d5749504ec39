#include "testing/watchdog.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <list>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#if !defined(_WIN32)
#include <sys/types.h>
#include <unistd.h>
#endif

namespace worker_pool {
namespace {

std::string current_test() {
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  if (test == nullptr) return "the test program";
  return std::string(test->test_suite_name()) + "." + test->name();
}

// Writes to standard error. A hanging thread may hold the lock of std::cout or of stdout, and on
// POSIX even that of stderr.
void report(const std::string& text) {
#if defined(_WIN32)
  // Not std::cerr itself: it flushes std::cout first.
  std::ostream out(std::cerr.rdbuf());
  out << text << std::flush;
#else
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = write(STDERR_FILENO, rest.data(), rest.size());
    if (written == 0 || (written < 0 && errno != EINTR && errno != EAGAIN)) return;
    if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
  }
#endif
}

}  // namespace

Watchdog::Waiting::Waiting(std::shared_ptr<Notes> notes, std::string what)
    : notes_(std::move(notes)), line_(notes_->add(std::move(what))) {}

Watchdog::Waiting::~Waiting() { notes_->remove(line_); }

Watchdog::Watchdog(std::chrono::milliseconds limit) : Watchdog(limit, std::make_shared<Notes>()) {}

Watchdog::Watchdog(std::chrono::milliseconds limit, std::shared_ptr<Notes> notes)
    : notes_(std::move(notes)),
      watcher_([this, limit, test = current_test()] { watch(limit, test); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    test_is_done_ = true;
  }
  changed_.notify_one();
  watcher_.join();
}

void Watchdog::watch(std::chrono::milliseconds limit, const std::string& test) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, limit, [this] { return test_is_done_; })) return;
  report("Watchdog: " + test + " is not done after " + std::to_string(limit.count()) +
         " ms. Waiting:\n" + notes_->text());
  // exit() would run destructors, which wait for the threads that hang.
  std::_Exit(EXIT_FAILURE);
}

std::list<std::string>::iterator Watchdog::Notes::add(std::string line) {
  const std::lock_guard lock(mutex_);
  return lines_.insert(lines_.end(), std::move(line));
}

void Watchdog::Notes::remove(std::list<std::string>::iterator line) {
  const std::lock_guard lock(mutex_);
  lines_.erase(line);
}

std::string Watchdog::Notes::text() const {
  const std::lock_guard lock(mutex_);
  if (lines_.empty()) return "  no thread that left a note\n";
  std::string text;
  for (const std::string& line : lines_) text += "  " + line + "\n";
  return text;
}

}  // namespace worker_pool
