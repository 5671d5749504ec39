// tokens_of(): splits C++ code into tokens as a compiler does. So that nothing hides from the rules
// of source_files.h, it also knows the corners: code that is skipped by #if, raw strings, line
// splices, suffixes of literals, and names that are not ASCII.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace worker_pool {

// A name, a number, one character of punctuation, a literal with its suffix, or a whole directive
// such as "#include <mutex>". A raw string is always R"", and <% is {. There are no tokens for
// comments. Where a compiler reports an error in any case, a token is only a backslash.
struct Token {
  std::string text{};
  int line = 0;
};

std::vector<Token> tokens_of(std::string_view code);

bool is_name(const Token& token);

}  // namespace worker_pool
