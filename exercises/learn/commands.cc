#include "exercises/learn/commands.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exercises/learn/child.h"
#include "exercises/learn/screen.h"
#include "exercises/learn/terminal.h"
#include "exercises/learn/test_command.h"
#include "exercises/learn/text.h"
#include "exercises/learn/verdict.h"

namespace worker_pool {
namespace {

// At once, because the next line may take a minute.
void print(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

// Returns the number of the signal that ends the program, or nothing once the child has exited.
std::optional<int> await_exit(Child& child, HeldSignals& signals) {
  while (!child.has_exited()) {
    pollfd output = {.fd = child.output_fd(), .events = POLLIN, .revents = 0};
    poll(&output, 1, child.output_fd() == -1 ? 5 : 100);
    if (const auto signal = signals.next()) {
      if (signal == SIGTSTP) {  // Ctrl-Z
        signals.stop();
        continue;
      }
      child.end();
      return signal;
    }
    child.read_output();
  }
  return std::nullopt;
}

std::string word_for(Outcome outcome) {
  switch (outcome) {
    case Outcome::kGreen:
      return "green";
    case Outcome::kRed:
      return "red";
    case Outcome::kCompileError:
      return "does not compile";
    case Outcome::kNone:
      break;
  }
  return "no verdict";
}

// What is said beside the word: the first line of the failure.
std::string detail_of(const Verdict& verdict) {
  const bool is_failure = verdict.outcome != Outcome::kGreen && !verdict.lines.empty();
  if (!is_failure) return "";
  std::string line = verdict.lines.front();
  if (line.starts_with("FAILED ")) line.erase(0, std::string_view("FAILED ").size());
  return "  " + line;
}

}  // namespace

std::string_view help_text() {
  return "./learn               continue with the next exercise: each save of its file runs its "
         "test\n"
         "./learn 07            that exercise, by its number or the beginning of its name\n"
         "./learn list          all exercises: solved, next, unsolved\n"
         "./learn verify        run every test once, a line for each; status 0 if all are green\n"
         "./learn verify 07 08  only these\n"
         "./learn help          this text\n";
}

int list(const std::vector<Exercise>& exercises, const Progress& progress) {
  const auto next = progress.next_unsolved(exercises, progress.position(exercises));
  const std::size_t columns = is_interactive() ? screen_size().columns : 1000;
  for (const std::string& line :
       board_lines(exercises, progress, next.value_or(exercises.size()), columns))
    print(line);
  return 0;
}

int show_state(const std::vector<Exercise>& exercises, const Progress& progress,
               std::size_t current) {
  for (const std::string& line : progress_lines(exercises, progress, 100)) print(line);
  const Exercise& exercise = exercises[current];
  print("Next: " + exercise.name + ", edit " + exercise.file.generic_string());
  print("Keys and screen need a terminal, so this is all. To run the test once: ./learn verify " +
        exercise.name);
  return 0;
}

int verify(const std::vector<Exercise>& exercises, Progress& progress) {
  HeldSignals signals;
  if (exercises.size() > 1) {
    Child build(build_command(exercises));
    if (const auto signal = await_exit(build, signals)) return 128 + *signal;
  }
  std::size_t longest = 0;
  for (const Exercise& exercise : exercises) longest = std::max(longest, exercise.name.size());
  bool all_green = true;
  for (const Exercise& exercise : exercises) {
    const std::optional<std::string> before = content_hash(exercise.file);
    Child test(test_command(exercise));
    if (const auto signal = await_exit(test, signals)) return 128 + *signal;
    const Verdict verdict = verdict_of(test.status(), test.output());
    const bool is_green = verdict.outcome == Outcome::kGreen;
    // What was saved meanwhile may not be what was tested.
    if (is_green && before && content_hash(exercise.file) == before)
      progress.record_green(exercise, *before);
    print(padded(exercise.name, longest + 2) + word_for(verdict.outcome) + detail_of(verdict));
    all_green = all_green && is_green;
  }
  return all_green ? 0 : 1;
}

}  // namespace worker_pool
