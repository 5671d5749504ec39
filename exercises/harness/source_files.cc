#include "exercises/harness/source_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace worker_pool {
namespace {

// A name, a number, a character of punctuation, a literal, or a whole directive such as
// "#include <mutex>".
struct Token {
  std::string text{};
  int line = 0;
};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// Splits C++ code into tokens as a compiler does, without comments.
class Tokenizer {
 public:
  explicit Tokenizer(std::string_view code) : code_(code) {}

  std::vector<Token> tokens() {
    std::vector<Token> result;
    while (true) {
      skip_space();
      if (position_ == code_.size()) return result;
      Token token{.line = line_};
      const bool is_directive = starts_line_ && (at("#") || at("%:"));
      starts_line_ = false;
      token.text = is_directive ? directive() : next();
      result.push_back(token);
    }
  }

 private:
  char peek() {
    skip_line_splices();
    return position_ < code_.size() ? code_[position_] : '\0';
  }
  char take() {
    const char c = peek();
    if (position_ == code_.size()) return c;
    ++position_;
    if (c == '\n') ++line_;
    return c;
  }
  bool is_end() { return (skip_line_splices(), position_ == code_.size()); }

  // A backslash at the end of a line joins it with the next one.
  void skip_line_splices() {
    while (true) {
      const std::string_view rest = code_.substr(position_);
      if (rest.starts_with("\\\n")) {
        position_ += 2;
      } else if (rest.starts_with("\\\r\n")) {
        position_ += 3;
      } else {
        return;
      }
      ++line_;
    }
  }

  // Whether the code goes on with `text`. A line splice inside it does not matter.
  bool at(std::string_view text) {
    Tokenizer copy = *this;
    return std::ranges::all_of(text, [&](char c) { return copy.take() == c; });
  }
  void take(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) (void)take();
  }

  // Skips a comment. Returns false if there is none.
  bool skip_comment() {
    if (at("//")) {
      while (!is_end() && peek() != '\n') (void)take();
      return true;
    }
    if (!at("/*")) return false;
    take("/*");
    while (!is_end() && !at("*/")) (void)take();
    take("*/");
    return true;
  }

  void skip_space() {
    while (!is_end()) {
      if (std::isspace(static_cast<unsigned char>(peek())) != 0) {
        if (take() == '\n') starts_line_ = true;
      } else if (!skip_comment()) {
        return;
      }
    }
  }

  std::string directive() {
    take(at("#") ? "#" : "%:");
    std::string text = "#";
    while (!is_end() && peek() != '\n') {
      if (skip_comment()) {
        text += ' ';
      } else {
        text += take();
      }
    }
    return text;
  }

  std::string next() {
    if (at("\"") || at("'")) return literal();
    if (is_digit(peek())) return number();
    if (!is_word(peek())) return {take()};
    std::string word;
    while (is_word(peek())) word += take();
    constexpr std::array kRaw = {"R", "LR", "uR", "UR", "u8R"};
    if (at("\"") && std::ranges::find(kRaw, word) != kRaw.end()) return raw_literal();
    return word;
  }

  // A quote between digits is a part of the number.
  std::string number() {
    std::string text;
    while (is_word(peek()) || at(".") || (at("'") && !text.empty())) text += take();
    return text;
  }

  std::string literal() {
    const char quote = take();
    std::string text = {quote};
    while (!is_end() && peek() != quote && peek() != '\n') {
      if (peek() == '\\') text += take();
      text += take();
    }
    return text += take();
  }

  std::string raw_literal() {
    take("\"");
    std::string end = ")";
    while (!is_end() && peek() != '(') end += take();
    end += '"';
    while (!is_end() && !at(end)) (void)take();
    take(end);
    return "\"\"";
  }

  std::string_view code_;
  std::size_t position_ = 0;
  int line_ = 1;
  bool starts_line_ = true;
};

bool is_name(const Token& token) { return is_word(token.text[0]) && !is_digit(token.text[0]); }

// Returns the index of the parenthesis that closes the one at `open`.
std::size_t closing(const std::vector<Token>& tokens, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    if (tokens[i].text == "(") ++depth;
    if (tokens[i].text == ")" && --depth == 0) return i;
  }
  return tokens.size() - 1;
}

std::string without_spaces(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) result += c;
  }
  return result;
}

bool is_harmless(const std::string& directive) {
  const std::string text = without_spaces(directive);
  if (text.contains("__has_include")) return false;  // "</*>" in it begins no comment
  if (text == "#" || text == "#pragmaonce") return true;
  constexpr std::array kHarmless = {
      "#include<",
      "#include\"testing/lab/lab.h\"",
      "#include\"testing/lab/explorer.h\"",
      "#include\"step",  // the course's own code, which defines no macro
      "#if",
      "#elif",
      "#else",
      "#endif",
      "#error",
  };
  return std::ranges::any_of(kHarmless, [&](const char* it) { return text.starts_with(it); });
}

// Without what follows the directive's name.
std::string name_of(const std::string& directive) {
  const std::size_t begin = directive.find_first_not_of(" \t", 1);
  const std::size_t end = std::min(directive.find_first_of(" \t\r<\"", begin), directive.size());
  return "#" + directive.substr(begin, end - begin);
}

// Whether the file declares a namespace or another thing of its own with the name `lab` or `std`
// here, or reopens the real one.
bool declares_namespace(const std::vector<Token>& tokens, std::size_t i) {
  const auto is = [&](std::size_t index, const char* text) {
    return index < tokens.size() && tokens[index].text == text;
  };
  std::size_t begin = i;  // of a qualified name, such as worker_pool::lab
  while (begin >= 3 && is(begin - 1, ":") && is(begin - 2, ":")) begin -= 3;
  const bool is_namespace = begin >= 1 && is(begin - 1, "namespace");
  if (is_namespace) return begin < 2 || !is(begin - 2, "using");
  return !is(i + 1, ":") || !is(i + 2, ":");
}

bool is_specialization(const std::vector<Token>& tokens, std::size_t i) {
  return i + 2 < tokens.size() && tokens[i + 1].text == "<" && tokens[i + 2].text == ">";
}

// Whether the file declares an operator that a test may use with types of std or of the lab, such
// as == or -.
bool declares_foreign_operator(const std::vector<Token>& tokens, std::size_t i) {
  if (i + 1 == tokens.size() || is_name(tokens[i + 1])) return false;  // a conversion, or new
  std::string rest;
  for (std::size_t j = i + 1; j < tokens.size() && j <= i + 3; ++j) rest += tokens[j].text;
  constexpr std::array kHarmless = {"=(", "(",  "[",  "*()", "->", "++",
                                    "--", "+=", "-=", "<(",  ">("};
  return std::ranges::none_of(kHarmless, [&](const char* it) { return rest.starts_with(it); });
}

constexpr std::array kHarness = {
    "expect_every_schedule",
    "explore",
    "Lesson",
    "LessonTest",
    "LabGate",
    "_Pragma",
    "kExerciseFiles",
    "Scheduler",
    "TestRun",
    "TEST",
    "Inside",
    "running_threads",
    "allow_successful_exit",
    "forbid_successful_exit",
    "refusal_of",
    "what_is_refused",
    "read_source",
};

// Whether the name can hide code from the lab, which sees what the compiler's sanitizer sees.
bool hides_code(const std::string& name) {
  return name == "asm" || name == "__asm" || name == "__asm__" || name.contains("sanitize");
}

}  // namespace

std::optional<std::string> read_source(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  // On Windows, Bazel lists the files of a test, each with its real path, instead of linking them.
  if (const char* manifest = std::getenv("RUNFILES_MANIFEST_FILE"); !file && manifest != nullptr) {
    std::ifstream lines(manifest);
    for (std::string line; !file.is_open() && std::getline(lines, line);) {
      const std::size_t space = line.find(' ');
      if (space == std::string::npos || !line.substr(0, space).ends_with("/" + path)) continue;
      file.open(line.substr(space + 1), std::ios::binary);
    }
  }
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TestPlan plan_of(std::string_view test_file) {
  const std::vector<Token> tokens = Tokenizer(test_file).tokens();
  TestPlan plan;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i + 1].text != "(") continue;
    const std::size_t end = closing(tokens, i + 1);
    const int first = tokens[i].line;
    if (tokens[i].text == "TEST" && end == i + 5) {
      const std::string name = tokens[i + 2].text + "." + tokens[i + 4].text;
      plan.tests.push_back({.name = name, .first_line = first, .last_line = tokens[end].line});
    }
    if (tokens[i].text == "expect_every_schedule") {
      plan.calls.push_back(
          {.name = tokens[i].text, .first_line = first, .last_line = tokens[end].line});
    }
  }
  return plan;
}

std::optional<Refused> what_is_refused(std::string_view exercise_file) {
  const std::string why = " could replace a part of the test. Please remove it from this file.";
  const std::vector<Token> tokens = Tokenizer(exercise_file).tokens();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto& [text, line] = tokens[i];
    if (text[0] == '#' && text.size() > 1 && !is_harmless(text)) {
      return Refused{.line = line, .why = "\"" + name_of(text) + "\"" + why};
    }
    if (!is_name(tokens[i])) continue;
    if ((text == "lab" || text == "std") && declares_namespace(tokens, i)) {
      return Refused{.line = line, .why = "A declaration of \"" + text + "\"" + why};
    }
    if (text == "template" && is_specialization(tokens, i)) {
      return Refused{.line = line, .why = "\"template <>\"" + why};
    }
    if (text == "operator" && declares_foreign_operator(tokens, i)) {
      return Refused{.line = line, .why = "\"operator\"" + why};
    }
    if (hides_code(text) || std::ranges::find(kHarness, text) != kHarness.end()) {
      return Refused{.line = line, .why = "\"" + text + "\"" + why};
    }
  }
  return std::nullopt;
}

std::string refusal_of(const std::string& exercise_path) {
  const auto text = read_source(exercise_path);
  if (!text) return exercise_path + ":1\nThe test cannot read this file.";
  const auto refused = what_is_refused(*text);
  if (!refused) return "";
  return exercise_path + ":" + std::to_string(refused->line) + "\n" + refused->why;
}

}  // namespace worker_pool
