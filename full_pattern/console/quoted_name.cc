#include "full_pattern/console/quoted_name.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "full_pattern/observers/utf8.h"

namespace worker_pool {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_plain(char c) {
  constexpr std::string_view kNotSpecial = "%+,-./:=@_";
  return is_letter_or_digit(c) || kNotSpecial.contains(c);
}

bool is_plain(std::string_view name) {
  for (std::size_t length = 0; !name.empty(); name.remove_prefix(length)) {
    length = printable_character(name);
    if (length == 0 || (length == 1 && !is_plain(name.front()))) return false;
  }
  return true;
}

std::string escaped(char byte) {
  constexpr std::string_view kNamed = "\a\b\t\n\v\f\r";
  constexpr std::string_view kNames = "abtnvfr";
  if (const std::size_t i = kNamed.find(byte); i != kNamed.npos) return {'\\', kNames[i]};
  const auto digit = [value = static_cast<unsigned char>(byte)](int shift) {
    return static_cast<char>('0' + ((value >> shift) & 7));
  };
  return {'\\', digit(6), digit(3), digit(0)};
}

std::string in_quotes(std::string_view name) {
  std::string text = "'";
  while (!name.empty()) {
    const std::size_t length = printable_character(name);
    if (length > 0) {
      text += name.starts_with('\'') ? "'\\''" : name.substr(0, length);
      name.remove_prefix(length);
      continue;
    }
    text += "'$'";
    for (; !name.empty() && printable_character(name) == 0; name.remove_prefix(1)) {
      text += escaped(name.front());
    }
    if (name.empty()) return text + "'";
    text += "''";
  }
  return text + "'";
}

constexpr std::size_t kKept = 250;  // bytes at each end of a long name

bool continues_a_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Cuts between characters, if the text is UTF-8.
std::string without_the_middle(std::string_view name) {
  std::size_t begin = kKept;
  std::size_t end = name.size() - kKept;
  while (begin > 0 && continues_a_character(name[begin])) --begin;
  while (end < name.size() && continues_a_character(name[end])) ++end;
  return std::string(name.substr(0, begin)).append("...").append(name.substr(end));
}

}  // namespace

std::string quoted_name(std::string_view name) {
  const std::string shown = name.size() > 2 * kKept ? without_the_middle(name) : std::string(name);
  return !shown.empty() && is_plain(shown) ? shown : in_quotes(shown);
}

}  // namespace worker_pool
