// What the pages of an exercise say, without the Markdown around it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace worker_pool {

struct Hint {
  std::string title;  // Hint 1: where to start
  std::string text;
};

// Returns the hints of an exercise's README.md, which are its <details>, in their order.
std::vector<Hint> hints_of(std::string_view page);

// Returns the page without comments and without the targets of links.
std::string plain_text(std::string_view page);

// Breaks the paragraphs, headings and items of a text into lines of at most `columns`. Blocks of
// code and tables stay as they are.
std::vector<std::string> paragraphs(std::string_view text, std::size_t columns);

}  // namespace worker_pool
