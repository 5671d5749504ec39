// Session: the interactive ./learn. Shows one exercise, runs its test after each save, and obeys
// keys.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exercises/learn/child.h"
#include "exercises/learn/exercise_list.h"
#include "exercises/learn/progress.h"
#include "exercises/learn/terminal.h"
#include "exercises/learn/verdict.h"
#include "exercises/learn/watched_file.h"

namespace worker_pool {

// The exit status that asks the script `learn` to run `git checkout` on the exercise whose name is
// in the file $LEARN_RESET. Git may exist only outside the private root, in which this program
// runs.
constexpr int kResetStatus = 75;

// Needs a terminal, and the clone as the current folder. Not thread-safe.
class Session {
 public:
  // `start` is the index of the first exercise to show.
  Session(const std::vector<Exercise>& exercises, Progress& progress, std::size_t start);

  // Blocks until the user quits. Returns the exit status of the program: 0, kResetStatus, or 128 +
  // N after signal N. By then the terminal is as it was, and no child is running.
  int run();

 private:
  void open(std::size_t index);
  void start_test();
  void wait_for_something();
  void obey(int signal);
  void obey(char key);
  void finish_test();
  void stop_and_continue();

  void show_hint();
  void show_why();
  void reset(char answer);
  void go_to_next();

  void show_testing();
  void show_verdict();
  void show_everything();
  // Below the title; the keys come last.
  void show(const std::vector<std::string>& body);
  std::vector<std::string> title() const;
  std::string keys() const;

  bool is_green() const { return verdict_ && verdict_->outcome == Outcome::kGreen; }
  const Exercise& exercise() const { return exercises_[index_]; }

  const std::vector<Exercise>& exercises_;
  Progress& progress_;
  std::size_t index_;

  HeldSignals signals_;
  Keyboard keyboard_;
  const bool erases_ = can_erase();
  const bool colored_ = wants_color();

  std::optional<WatchedFile> file_;
  std::unique_ptr<Child> test_;                // while a test is running
  std::optional<std::string> tested_content_;  // the hash when the test was started
  bool is_stale_ = false;                      // the file was saved since then
  std::optional<Verdict> verdict_;             // of the current content, once it is known
  std::size_t hints_shown_ = 0;
  bool asks_reset_ = false;
  std::string notice_;    // one line above the keys
  bool can_save_ = true;  // whether the last change of the progress was written
  std::optional<int> exit_status_;
};

}  // namespace worker_pool
