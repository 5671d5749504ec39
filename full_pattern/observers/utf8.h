// first_character(): finds where a UTF-8 character ends, in a text that may hold any bytes.
//
//   first_character("\xC3\xA9t\xC3\xA9");   // 2: the two bytes of an e with an acute accent
//   first_character("\xFF");               // 0: not UTF-8
//
// For names, ids and error messages, which come from outside. Used by the error log, so that it
// never cuts a character in half, and by the trace in full_pattern/reports, whose JSON must be
// valid UTF-8. printable_character() is for texts that must not break a line or change a terminal.
#pragma once

#include <cstddef>
#include <string_view>

namespace worker_pool {

// Returns the number of bytes of the first character of `text`, 1 to 4, or 0 if `text` is empty or
// does not begin with a complete, valid character (RFC 3629: no overlong forms, no surrogates).
constexpr std::size_t first_character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return 0;
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // The second byte shows forms that are overlong, too large or surrogates.
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

// The same, but 0 also for a control character: U+0000 to U+001F, and U+007F to U+009F.
constexpr std::size_t printable_character(std::string_view text) {
  const std::size_t length = first_character(text);
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (length == 1 && (byte(0) < 0x20 || byte(0) == 0x7F)) return 0;
  if (length == 2 && byte(0) == 0xC2 && byte(1) < 0xA0) return 0;
  return length;
}

}  // namespace worker_pool
