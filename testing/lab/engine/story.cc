#include "testing/lab/engine/story.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <functional>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "testing/lab/engine/races.h"

namespace worker_pool::lab {
namespace {

// An endless run has thousands of lines. Only the last ones explain it. The failure of an exercise
// then fits in 24 rows.
constexpr std::size_t kLines = 12;
constexpr std::size_t kLinesWithPlaces = 40;  // real code needs more steps
constexpr std::size_t kColumns = 4;
constexpr std::size_t kScreen = 80;  // characters
constexpr std::size_t kGap = 2;

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, text.size()), ' ');
}

std::string without_spaces_at_end(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

struct Column {
  std::string thread;
  std::size_t width;
};

// The columns in the order in which the threads first do something. Empty if they do not fit.
std::vector<Column> columns_of(const std::vector<StoryLine>& story) {
  std::vector<Column> columns;
  for (const StoryLine& line : story) {
    if (line.place.address != 0) return {};
    auto column = std::ranges::find(columns, line.thread, &Column::thread);
    if (column == columns.end()) {
      column = columns.insert(columns.end(), {line.thread, line.thread.size()});
    }
    column->width = std::max(column->width, line.text.size());
  }
  std::size_t width = 0;
  for (const Column& column : columns) width += kGap + column.width;
  if (columns.size() < 2 || columns.size() > kColumns || width > kScreen) return {};
  return columns;
}

std::string in_columns(const std::vector<StoryLine>& story, const std::vector<Column>& columns) {
  std::string text;
  std::string rule;
  for (const Column& column : columns) {
    text += std::string(kGap, ' ') + padded(column.thread, column.width);
    rule += std::string(kGap, ' ') + std::string(column.width, '-');
  }
  text = without_spaces_at_end(text) + "\n" + rule + "\n";
  for (const StoryLine& line : story) {
    std::size_t indent = kGap;
    for (const Column& column : columns) {
      if (column.thread == line.thread) break;
      indent += column.width + kGap;
    }
    text += std::string(indent, ' ') + line.text + "\n";
  }
  return text;
}

std::string place_text(const Place& place) {
  const Frame frame = user_frame(place);
  return frame.file.empty() ? "" : padded(short_name(frame), 22) + "  " + source_text(frame);
}

std::string in_rows(const std::vector<StoryLine>& story) {
  std::size_t thread_width = 0;
  std::size_t text_width = 0;
  for (const StoryLine& line : story) {
    thread_width = std::max(thread_width, line.thread.size());
    if (line.place.address != 0) text_width = std::max(text_width, line.text.size());
  }
  std::string text;
  std::string last;
  for (const StoryLine& line : story) {
    const std::string start = std::string(kGap, ' ') + padded(line.thread, thread_width + kGap);
    const std::string row = without_spaces_at_end(start + padded(line.text, text_width + kGap) +
                                                  place_text(line.place));
    if (row != last || line.place.address == 0) text += row + "\n";
    last = row;
  }
  return text;
}

// The names in a line of source, such as "loaded_".
std::vector<std::string> identifiers_in(const std::string& line) {
  std::vector<std::string> result;
  std::string word;
  for (const char c : line + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
      word += c;
    } else if (!word.empty()) {
      if (std::isdigit(static_cast<unsigned char>(word[0])) == 0) result.push_back(word);
      word.clear();
    }
  }
  return result;
}

// The name that a line writes to, as in "++done;" or "loaded_ = true;", or "".
std::string written_name(const std::string& line) {
  static const std::regex kWrite(R"((?:\+\+|--)\s*(\w+)|(\w+)\s*(?:\+\+|--|[-+|&]?=(?!=)))");
  std::smatch match;
  if (!std::regex_search(line, match, kWrite)) return "";
  return match[1].matched ? match[1] : match[2];
}

// A name that both lines contain: probably what they race for. Preferably one that is written to,
// or that of a member.
std::string common_name(const std::string& a, const std::string& b) {
  static const std::set<std::string, std::less<>> kNotNames = {
      "auto", "bool", "check", "const", "empty", "false", "for",    "if",   "int",
      "lab",  "lock", "move",  "size",  "std",   "this",  "return", "true", "while"};
  const std::vector<std::string> in_a = identifiers_in(a);
  const std::vector<std::string> in_b = identifiers_in(b);
  for (const std::string& name : {written_name(a), written_name(b)}) {
    const bool is_common =
        std::ranges::find(in_a, name) != in_a.end() && std::ranges::find(in_b, name) != in_b.end();
    if (is_common && !kNotNames.contains(name)) return name;
  }
  std::string best;
  for (const std::string& name : in_b) {
    if (std::ranges::find(in_a, name) == in_a.end() || kNotNames.contains(name)) continue;
    if (best.empty() || (name.ends_with('_') && !best.ends_with('_'))) best = name;
  }
  return best;
}

std::string says(const Access& access, const std::string& thread) {
  const Frame frame = user_frame(access.place);
  const std::string text = thread + " " + access.verb;
  return frame.file.empty() ? text
                            : text + " at " + short_name(frame) + " (" + source_text(frame) + ")";
}

}  // namespace

std::string duration_text(std::chrono::nanoseconds time) {
  using namespace std::chrono_literals;
  constexpr auto kYear = 365 * 24h;
  if (time == kYear) return "1 year";
  struct Unit {
    std::chrono::nanoseconds time;
    const char* name;
  };
  for (const Unit& unit : {Unit{kYear, "years"}, {1h, "h"}, {1s, "s"}, {1ms, "ms"}}) {
    if (time < unit.time || time % unit.time != 0ns) continue;
    return std::to_string(time / unit.time) + " " + unit.name;
  }
  return std::to_string(time.count()) + " ns";
}

std::string text_of(const std::vector<StoryLine>& story) {
  const bool has_places =
      std::ranges::any_of(story, [](const StoryLine& line) { return line.place.address != 0; });
  const std::size_t most = has_places ? kLinesWithPlaces : kLines;
  // One step more is shown: the line that counts what is left out takes as much room.
  const std::size_t skipped = story.size() > most + 1 ? story.size() - most : 0;
  std::vector<StoryLine> lines(story.begin() + static_cast<std::ptrdiff_t>(skipped), story.end());
  const std::vector<Column> columns = columns_of(lines);
  return (skipped > 0 ? "  (" + std::to_string(skipped) + " steps before these)\n" : "") +
         (columns.empty() ? in_rows(lines) : in_columns(lines, columns));
}

std::string race_text(const Access& earlier, const std::string& first, const Access& later,
                      const std::string& second, const std::string& object) {
  std::string what = object;
  if (what.empty()) {
    what =
        common_name(source_text(user_frame(earlier.place)), source_text(user_frame(later.place)));
  }
  if (what.empty()) what = "memory that two threads share";
  const std::string both = what + ": " + says(earlier, first) + ", " + says(later, second);
  if (earlier.is_free) return "use after free of " + both;
  return "data race on " + both + ", nothing orders them";
}

}  // namespace worker_pool::lab
