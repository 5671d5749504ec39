#include "exercises/learn/session.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exercises/learn/pages.h"
#include "exercises/learn/screen.h"
#include "exercises/learn/test_command.h"
#include "exercises/learn/text.h"

namespace worker_pool {
namespace {

using Lines = std::vector<std::string>;

void append(Lines& lines, const Lines& more) {
  lines.insert(lines.end(), more.begin(), more.end());
}

constexpr const char* kNotSaved = "Cannot write the file .learn: your progress will not be kept.";

// Not through .learn, which another session may change before the script reads it.
bool ask_script_to_reset(const Exercise& exercise) {
  const char* const path = std::getenv("LEARN_RESET");
  if (path == nullptr) return false;
  std::ofstream file(path);
  file << exercise.name << std::endl;
  return file.good();
}

bool has_tested_before() { return std::filesystem::exists("bazel-testlogs/exercises"); }

}  // namespace

Session::Session(const std::vector<Exercise>& exercises, Progress& progress, std::size_t start)
    : exercises_(exercises), progress_(progress), index_(start) {}

int Session::run() {
  open(index_);
  while (!exit_status_) wait_for_something();
  test_.reset();
  std::fputs("\n", stdout);
  std::fflush(stdout);
  return *exit_status_;
}

void Session::open(std::size_t index) {
  index_ = index;
  hints_shown_ = 0;
  can_save_ = progress_.record_position(exercise());
  file_.emplace(exercise().file);
  start_test();
}

// The content is read first: whatever is saved later is at least not recorded as green.
void Session::start_test() {
  test_.reset();
  verdict_.reset();
  notice_.clear();
  asks_reset_ = false;  // a yes would undo what was just saved
  is_stale_ = false;
  tested_content_ = content_hash(exercise().file);
  test_ = std::make_unique<Child>(test_command(exercise()));
  show_testing();
}

// Everything that can happen is checked in each round, so nothing is lost between two rounds.
void Session::wait_for_something() {
  constexpr int kRoundMs = 100;  // how often the file is checked
  constexpr int kExitingMs = 5;
  const bool is_exiting = test_ && test_->output_fd() == -1;
  std::array<pollfd, 2> inputs = {
      {{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
       {.fd = test_ ? test_->output_fd() : -1, .events = POLLIN, .revents = 0}}};
  poll(inputs.data(), inputs.size(), is_exiting ? kExitingMs : kRoundMs);
  while (const auto signal = signals_.next()) obey(*signal);
  while (!exit_status_) {
    const std::optional<char> key = keyboard_.next();
    if (!key) break;
    obey(*key);
  }
  if (exit_status_) return;
  if (file_->was_saved()) {
    if (!test_) {
      start_test();
    } else if (content_hash(exercise().file) != tested_content_) {
      is_stale_ = true;
    }
  }
  if (test_) test_->read_output();
  if (test_ && test_->has_exited()) finish_test();
}

void Session::obey(int signal) {
  if (signal == SIGTSTP) return stop_and_continue();
  exit_status_ = 128 + signal;
}

void Session::stop_and_continue() {
  keyboard_.restore();
  signals_.stop();
  keyboard_.take();
  if (verdict_) show_verdict();
}

void Session::finish_test() {
  const bool has_changed = is_stale_ || content_hash(exercise().file) != tested_content_;
  if (has_changed) return start_test();
  verdict_ = verdict_of(test_->status(), test_->output());
  test_.reset();
  if (is_green() && tested_content_)
    can_save_ = progress_.record_green(exercise(), *tested_content_);
  asks_reset_ = false;
  show_verdict();
}

void Session::obey(char key) {
  if (key == '\0') {
    exit_status_ = 128 + SIGHUP;
    return;
  }
  notice_.clear();
  if (asks_reset_) return reset(key);
  switch (key) {
    case 'q':
    case '\x04':  // Ctrl-D
      exit_status_ = 0;
      return;
    case 'h':
      return show_hint();
    case 'w':
      return show_why();
    case 'l': {
      const auto next = progress_.next_unsolved(exercises_, index_);
      return show(board_lines(exercises_, progress_, next.value_or(exercises_.size()),
                              screen_size().columns));
    }
    case 'a':
      return show_everything();
    case 'r':
      asks_reset_ = true;
      return show({"Undo your changes in exercises/" + exercise().name + "?",
                   "This runs: git checkout -- exercises/" + exercise().name});
    case 's':
      return go_to_next();
    case 'n':
    case '\n':
      if (is_green()) return go_to_next();
      if (!test_) start_test();
      return;
    default:
      return verdict_ ? show_verdict() : show_testing();
  }
}

void Session::show_hint() {
  const std::vector<Hint> hints = hints_of(read_text(exercise().folder() / "README.md"));
  if (hints.empty()) return show({"This exercise has no hints."});
  const bool starts_again = hints_shown_ == hints.size();
  hints_shown_ = starts_again ? 1 : hints_shown_ + 1;
  const Hint& hint = hints[hints_shown_ - 1];
  Lines lines = {hint.title, ""};
  append(lines, paragraphs(hint.text, screen_size().columns));
  notice_ = hints_shown_ < hints.size()
                ? "There are " + std::to_string(hints.size()) + " hints: h shows the next one."
                : "This is the last hint.";
  show(lines);
}

void Session::show_why() {
  if (!is_green()) {
    notice_ = "Why the fix works is shown once the test is green.";
    return verdict_ ? show_verdict() : show_testing();
  }
  const std::filesystem::path page = exercise().folder() / "solution/README.md";
  Lines lines = paragraphs(plain_text(read_text(page)), screen_size().columns);
  append(lines, {"", "With links: " + page.generic_string()});
  show(lines);
}

void Session::reset(char answer) {
  asks_reset_ = false;
  if (answer == 'y') {
    if (ask_script_to_reset(exercise())) {
      exit_status_ = kResetStatus;
      return;
    }
    notice_ = "That was not possible. Run: git checkout -- exercises/" + exercise().name;
  } else {
    notice_ = "Nothing was changed.";
  }
  return verdict_ ? show_verdict() : show_testing();
}

void Session::go_to_next() {
  const auto next = progress_.next_unsolved(exercises_, index_ + 1);
  if (next && *next != index_) return open(*next);
  notice_ = next ? "All other exercises are solved." : "All exercises are solved.";
  return verdict_ ? show_verdict() : show_testing();
}

void Session::show_testing() {
  Lines body = {"Testing ..."};
  if (!has_tested_before()) body.emplace_back("The first test takes a minute or two to compile.");
  show(body);
}

void Session::show_verdict() {
  const ScreenSize screen = screen_size();
  const Lines lesson = lesson_lines(*verdict_, screen.columns);
  // Blank lines: below the title, above the lesson and above the keys.
  std::size_t used = rows_of(title(), screen.columns) + 1 + lesson.size() + 1 +
                     (lesson.empty() ? 0 : 1) + rows_of({keys()}, screen.columns);
  if (!notice_.empty()) used += rows_of({notice_}, screen.columns);
  if (!can_save_) ++used;
  const std::size_t left = screen.rows > used + 4 ? screen.rows - used : 4;
  Lines body = fit(verdict_lines(*verdict_, colored_), verdict_->outcome, left, screen.columns);
  if (!lesson.empty()) body.emplace_back();
  append(body, lesson);
  if (is_green() && !progress_.next_unsolved(exercises_, index_))
    notice_ = "All " + std::to_string(exercises_.size()) + " exercises are solved.";
  show(body);
}

void Session::show_everything() {
  if (!verdict_) return show_testing();
  Lines body = verdict_lines(*verdict_, colored_);
  const Lines lesson = lesson_lines(*verdict_, screen_size().columns);
  if (!lesson.empty()) body.emplace_back();
  append(body, lesson);
  show(body);
}

void Session::show(const Lines& body) {
  std::string text = erases_ ? "\x1b[H\x1b[2J" : "\n----\n";
  for (const std::string& line : title()) text += line + "\n";
  text += "\n";
  for (const std::string& line : body) text += line + "\n";
  text += "\n";
  if (!notice_.empty()) text += notice_ + "\n";
  if (!can_save_) text += std::string(kNotSaved) + "\n";
  text += keys() + " ";
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

Lines Session::title() const {
  Lines lines = {paint(exercise().name, Color::kBold, colored_)};
  append(lines, progress_lines(exercises_, progress_, screen_size().columns));
  lines.push_back("Task: " + (exercise().folder() / "README.md").generic_string() +
                  "   Edit: " + exercise().file.filename().string());
  return lines;
}

std::string Session::keys() const {
  if (asks_reset_) return "y yes   any other key: no";
  if (!is_green()) return "h hint   s skip   l list   r reset   a all   Enter run again   q quit";
  return "n next   w why the fix works   l list   r reset   q quit";
}

}  // namespace worker_pool
