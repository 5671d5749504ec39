#include "exercises/harness/tokens.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace worker_pool {
namespace {

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_ascii_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Compilers allow "$" in a name, and letters that are not ASCII.
bool is_word(char c) { return is_ascii_word(c) || c == '$' || static_cast<unsigned char>(c) > 127; }

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view code) : code_(code) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (code_.starts_with(kByteOrderMark)) code_.remove_prefix(kByteOrderMark.size());
  }

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

  // A backslash at the end of a line joins it with the next one, even if spaces follow it.
  void skip_line_splices() {
    constexpr std::string_view kSpaces(" \t\f\v\r\0", 6);
    while (position_ < code_.size() && code_[position_] == '\\') {
      const std::size_t end = code_.find_first_not_of(kSpaces, position_ + 1);
      if (end == std::string_view::npos || code_[end] != '\n') return;
      position_ = end + 1;
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
      if (is_space(peek())) {
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
        text += is_space(peek()) ? std::string{take()} : next();
      }
    }
    return text;
  }

  std::string next() {
    if (at("\"") || at("'")) return literal();
    if (is_digit(peek())) return number();
    if (!is_word(peek())) return punctuation();
    const std::string name = word();
    constexpr std::array kRaw = {"R", "LR", "uR", "UR", "u8R"};
    if (at("\"") && std::ranges::find(kRaw, name) != kRaw.end()) return raw_literal();
    return name;
  }

  // In C++, <% and the like are other spellings of brackets; in A<::B>, there is none.
  std::string punctuation() {
    const bool is_global_name = at("<::") && !at("<:::") && !at("<::>");
    using Other = std::pair<std::string_view, const char*>;
    constexpr std::array<Other, 4> kOther = {{{"<%", "{"}, {"%>", "}"}, {"<:", "["}, {":>", "]"}}};
    for (const auto& [spelling, bracket] : kOther) {
      if (is_global_name || !at(spelling)) continue;
      take(spelling);
      return bracket;
    }
    return {take()};
  }

  std::string word() {
    std::string text;
    while (is_word(peek())) text += take();
    return text;
  }

  std::string number() {
    std::string text;
    while (is_word(peek()) || at(".") || at_separator() || at_exponent_sign(text)) text += take();
    return text;
  }

  // A quote between two digits or letters is a part of the number.
  bool at_separator() {
    Tokenizer copy = *this;
    return copy.take() == '\'' && is_ascii_word(copy.peek());
  }
  bool at_exponent_sign(std::string_view number) {
    const bool is_exponent = std::string_view("eEpP").contains(number.back());
    return is_exponent && (at("+") || at("-"));
  }

  std::string literal() {
    const char quote = take();
    std::string text = {quote};
    while (!is_end() && peek() != quote && peek() != '\n') {
      if (peek() == '\\') text += take();
      text += take();
    }
    if (!is_end() && peek() == quote) text += take();
    return text + word();
  }

  // Line splices do not count in a raw string.
  std::string raw_literal() {
    take("\"");
    const std::size_t open = code_.find_first_of("( )\\\t\v\f\r\n", position_);
    if (open == std::string_view::npos || code_[open] != '(') return "\\";
    const std::string end = ")" + std::string(code_.substr(position_, open - position_)) + '"';
    const std::size_t close = std::min(code_.find(end, open), code_.size());
    line_ += static_cast<int>(std::ranges::count(code_.substr(open, close - open), '\n'));
    position_ = std::min(close + end.size(), code_.size());
    (void)word();
    return "R\"\"";
  }

  std::string_view code_;
  std::size_t position_ = 0;
  int line_ = 1;
  bool starts_line_ = true;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view code) { return Tokenizer(code).tokens(); }

bool is_name(const Token& token) { return is_word(token.text[0]) && !is_digit(token.text[0]); }

}  // namespace worker_pool
