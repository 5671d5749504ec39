#include "testing/watchdog.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <list>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <utility>

namespace worker_pool {
namespace {

std::string current_test() {
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  if (test == nullptr) return "the test program";
  return std::string(test->test_suite_name()) + "." + test->name();
}

}  // namespace

Watchdog::Waiting::Waiting(std::shared_ptr<Notes> notes, std::string what)
    : notes_(std::move(notes)), line_(notes_->add(std::move(what))) {}

Watchdog::Waiting::~Waiting() { notes_->remove(line_); }

Watchdog::Watchdog(std::chrono::milliseconds limit)
    : notes_(std::make_shared<Notes>()),
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
  // Not std::cerr itself: it flushes std::cout first, which may be what a thread is stuck in.
  std::ostream out(std::cerr.rdbuf());
  out << "Watchdog: " << test << " is not done after " << limit.count() << " ms. Waiting:\n"
      << notes_->text() << std::flush;
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
