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

#include "exercises/harness/tokens.h"

namespace worker_pool {
namespace {

// Returns the index of the bracket that closes the one at `open`.
std::size_t closing(const std::vector<Token>& tokens, std::size_t open) {
  const std::string& begin = tokens[open].text;
  const std::string end = begin == "(" ? ")" : "]";
  int depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    if (tokens[i].text == begin) ++depth;
    if (tokens[i].text == end && --depth == 0) return i;
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

// Of std, of the lab, or of the course, which define no macro of the harness.
bool is_harmless_header(const std::string& header) {
  if (header == "\"testing/lab/lab.h\"" || header == "\"testing/lab/explorer.h\"") return true;
  const std::string_view path = std::string_view(header).substr(1, header.size() - 2);
  const bool is_plain = std::ranges::all_of(path, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '/';
  });
  if (!is_plain) return false;
  if (header.starts_with('<') && header.ends_with('>')) return !path.contains('/');
  const bool is_step = path.size() > 5 && path.starts_with("step") && path[5] == '_';
  return is_step && header.starts_with('"') && header.ends_with(".h\"") && !path.contains("..");
}

bool is_harmless(const std::string& directive) {
  const std::string text = without_spaces(directive);
  // In these, what looks like a comment or the end of a line may be neither.
  for (const char* const unclear : {"__has_include", "__has_embed", "R\"\"", "\\"}) {
    if (text.contains(unclear)) return false;
  }
  constexpr std::string_view kInclude = "#include";
  if (text == "#" || text == "#pragmaonce") return true;
  if (text.starts_with(kInclude) && text.size() > kInclude.size() + 1)
    return is_harmless_header(text.substr(kInclude.size()));
  constexpr std::array kHarmless = {"#if", "#elif", "#else", "#endif", "#error"};
  return std::ranges::any_of(kHarmless, [&](const char* it) { return text.starts_with(it); });
}

// Without what follows the directive's name.
std::string name_of(const std::string& directive) {
  const std::size_t begin = directive.find_first_not_of(" \t", 1);
  const std::size_t end = std::min(directive.find_first_of(" \t\r<\"", begin), directive.size());
  return "#" + directive.substr(begin, end - begin);
}

bool is(const std::vector<Token>& tokens, std::size_t index, std::string_view text) {
  return index < tokens.size() && tokens[index].text == text;
}

bool is_scope(const std::vector<Token>& tokens, std::size_t index) {
  return is(tokens, index, ":") && is(tokens, index + 1, ":");
}

// Returns the end of the qualified name that begins here, such as worker_pool::lab::mutex.
std::size_t end_of_name(const std::vector<Token>& tokens, std::size_t begin) {
  std::size_t i = begin;
  while (true) {
    if (is_scope(tokens, i)) i += 2;
    if (is(tokens, i, "~")) ++i;
    if (i == tokens.size() || !is_name(tokens[i])) return i;
    ++i;
    if (!is_scope(tokens, i)) return i;
  }
}

// Whether the file declares a namespace or another thing of its own with the name `lab` or `std`
// here, or reopens the real one.
bool declares_namespace(const std::vector<Token>& tokens, std::size_t i) {
  std::size_t begin = i;  // of a qualified name, such as worker_pool::lab
  while (begin >= 3 && is_scope(tokens, begin - 2)) begin -= 3;
  const bool is_namespace = begin >= 1 && is(tokens, begin - 1, "namespace");
  if (is_namespace) return begin < 2 || !is(tokens, begin - 2, "using");
  return !is_scope(tokens, i + 1);
}

// Whether the file defines a function of `lab` or `std`, the name at i: lab::mutex::lock() { ... }.
// Only a definition goes on after its parameters.
bool defines_function(const std::vector<Token>& tokens, std::size_t i) {
  std::size_t begin = i;
  while (begin >= 2 && is_scope(tokens, begin - 2)) {
    begin -= 2;
    if (begin >= 1 && is_name(tokens[begin - 1])) --begin;
  }
  std::size_t end = end_of_name(tokens, i);
  if (is(tokens, end - 1, "operator")) {
    while (end < tokens.size() && !is(tokens, end, "(")) ++end;
  }
  while (begin >= 1 && is(tokens, begin - 1, "(") && is(tokens, end, ")")) {
    --begin;
    ++end;
  }
  if (!is(tokens, end, "(")) return false;
  const std::string before = begin == 0 ? "" : tokens[begin - 1].text;
  for (const char* const it : {":", ",", "<", "(", "=", "operator"}) {
    if (before == it) return false;  // the constructor of a base class, or a type
  }
  const std::size_t next = closing(tokens, end) + 1;
  if (is(tokens, next, "-") && is(tokens, next + 1, ">")) return before == "auto";
  if (is(tokens, next, "[")) return is(tokens, next + 1, "[");
  constexpr std::array kBody = {"{", "const", "noexcept", "try", "requires", "__attribute__"};
  return std::ranges::any_of(kBody, [&](const char* it) { return is(tokens, next, it); });
}

// Of a template, in whole or in part: `template <>`, or `class Queue<T*>`.
bool is_specialization(const std::vector<Token>& tokens, std::size_t i) {
  if (is(tokens, i, "template")) return is(tokens, i + 1, "<") && is(tokens, i + 2, ">");
  const bool is_class = is(tokens, i, "class") || is(tokens, i, "struct") || is(tokens, i, "union");
  if (!is_class || (i >= 1 && is(tokens, i - 1, "friend"))) return false;
  std::size_t name = i + 1;
  while (true) {
    if (is(tokens, name, "alignas") || is(tokens, name, "__attribute__")) ++name;
    if (!is(tokens, name, "[") && !is(tokens, name, "(")) break;
    name = closing(tokens, name) + 1;
  }
  const std::size_t end = end_of_name(tokens, name);
  return end > name && is(tokens, end, "<");
}

// Whether this is operator==(...) const, operator==(...) = default, or another comparison. Only a
// class can declare it, and one of the two objects is of this class.
bool is_comparison_of_class(const std::vector<Token>& tokens, std::size_t i) {
  std::size_t next = i + 1;
  for (; next < tokens.size() && !is(tokens, next, "("); ++next) {
    if (!std::string_view("=!<>").contains(tokens[next].text)) return false;
  }
  if (next == tokens.size()) return false;
  next = closing(tokens, next) + 1;
  if (is(tokens, next, "const")) return true;
  while (is(tokens, next, "noexcept") || is(tokens, next, "&")) ++next;
  return is(tokens, next, "=") && is(tokens, next + 1, "default");
}

// Whether the file declares an operator that a test may use with types of std or of the lab, such
// as == or -.
bool declares_foreign_operator(const std::vector<Token>& tokens, std::size_t i) {
  if (i + 1 == tokens.size()) return false;
  constexpr std::array kNames = {"and",    "and_eq", "bitand", "bitor", "compl", "not",
                                 "not_eq", "or",     "or_eq",  "xor",   "xor_eq"};
  if (std::ranges::find(kNames, tokens[i + 1].text) != kNames.end()) return true;
  if (is_name(tokens[i + 1])) return false;  // a conversion, or new
  if (is_comparison_of_class(tokens, i)) return false;
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
    "LessonStage",
    "LessonTest",
    "LabGate",
    "_Pragma",
    "kExerciseFiles",
    "TestRun",
    "TEST",
    "allow_successful_exit",
    "forbid_successful_exit",
    "refusal_of",
    "what_is_refused",
    "read_source",
    // What lab.h uses itself: the lab takes the code for its own, or for no part of a schedule.
    "Inside",
    "Outside",
    "t_inside",
    "t_number",
    "t_stack",
    "t_stack_limit",
    "AtomicBase",
};

// What puts another program in place of the test, ends it, or finds the C library's own exit(); and
// the attributes of code that could do so before the file was checked.
bool ends_unseen(const std::vector<Token>& tokens, std::size_t i) {
  std::string_view name = tokens[i].text;
  if (name.starts_with("__") && name.ends_with("__") && name.size() > 4)
    name = name.substr(2, name.size() - 4);
  // As in __attribute__((section(...))). A lock_guard may also have this name.
  if (name == "section") return i >= 1 && std::string_view("(,:[").contains(tokens[i - 1].text);
  constexpr std::array kNames = {"execl",   "execle",  "execlp",      "execv",         "execve",
                                 "execvp",  "execvpe", "dlsym",       "dlvsym",        "execveat",
                                 "fexecve", "syscall", "constructor", "init_priority", "ifunc"};
  return std::ranges::find(kNames, name) != kNames.end();
}

// Whether this may be the lab's running_threads(). Without a qualifier, it is the file's own name,
// unless a using directive brings in the lab's.
bool is_running_threads(const std::vector<Token>& tokens, std::size_t i) {
  if (!is(tokens, i, "running_threads")) return false;
  if (i >= 2 && is_scope(tokens, i - 2)) return true;
  for (std::size_t j = 0; j + 1 < tokens.size(); ++j) {
    const bool is_directive = is(tokens, j, "using") && is(tokens, j + 1, "namespace");
    if (is_directive && !is(tokens, j + 2, "std")) return true;
  }
  return false;
}

// Whether the name can hide code from the lab, which sees what the compiler's sanitizer sees, or
// replace a function in spite of its definition. "_Z" begins a name as the linker writes it.
bool hides_code(const std::string& name) {
  return name == "asm" || name == "__asm" || name == "__asm__" || name.contains("sanitize") ||
         name.contains("__tsan") || name.contains("always_inline") || name.contains("gnu_inline") ||
         name.starts_with("_Z");
}

bool is_lone_return(std::string_view text, std::size_t i) {
  return text[i] == '\r' && !text.substr(i + 1).starts_with('\n');
}

// What is refused at this token. Empty if nothing is.
std::string refused_thing(const std::vector<Token>& tokens, std::size_t i) {
  const std::string& text = tokens[i].text;
  if (text == "\\") return "\"\\\"";
  if (text[0] == '#' && text.size() > 1 && !is_harmless(text)) return "\"" + name_of(text) + "\"";
  if (!is_name(tokens[i])) return "";
  if (text == "lab" || text == "std") {
    if (declares_namespace(tokens, i)) return "A declaration of \"" + text + "\"";
    if (defines_function(tokens, i)) return "A function of \"" + text + "\"";
  }
  if (is_specialization(tokens, i)) return "A specialization of a template";
  if (text == "operator" && declares_foreign_operator(tokens, i)) return "\"operator\"";
  const bool is_of_harness =
      std::ranges::find(kHarness, text) != kHarness.end() || is_running_threads(tokens, i);
  return is_of_harness || hides_code(text) || ends_unseen(tokens, i) ? "\"" + text + "\"" : "";
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
  const std::vector<Token> tokens = tokens_of(test_file);
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
  for (std::size_t i = 0; i < exercise_file.size(); ++i) {
    if (!is_lone_return(exercise_file, i)) continue;
    const auto line = 1 + std::ranges::count(exercise_file.substr(0, i), '\n');
    return Refused{.line = static_cast<int>(line), .why = "A carriage return in a line" + why};
  }
  const std::vector<Token> tokens = tokens_of(exercise_file);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string thing = refused_thing(tokens, i);
    if (!thing.empty()) return Refused{.line = tokens[i].line, .why = thing + why};
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
