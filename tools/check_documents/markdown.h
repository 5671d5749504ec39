// A Markdown page, taken apart as far as the checks in documents.h need it, and as far as our pages
// go: headings begin with #, blocks of code with ``` or ~~~.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace worker_pool {

using Lines = std::vector<std::string>;

// Lines are counted from 1, as editors do.
struct Block {
  std::string language;
  std::size_t line;  // of its opening fence
  Lines lines{};
};

struct Link {
  std::size_t line;
  std::string target;
};

struct Page {
  std::filesystem::path file;  // relative to the root of the tree
  Lines lines{};
  std::string prose{};  // the page with blanks in place of code
  std::string code{};   // the page with blanks in place of everything else
  std::vector<Block> blocks{};
};

// A page without lines when the file is not there.
Page read_page(const std::filesystem::path& root, const std::filesystem::path& file);

Lines headings_of(const Page& page);

// What follows # in a link to the heading, as GitHub makes it: "Why `std::jthread`?" has
// why-stdjthread. Our headings have no letters but those of ASCII; signs are left out.
std::string anchor_of(const std::string& heading);

// First all [text](target), images, too; then [label]: target, <!-- from target --> and HTML.
std::vector<Link> links_of(const Page& page);

// Where a relative link leads, from the root and without its anchor.
std::filesystem::path destination(const Page& page, const std::string& target);

// What stands between each `open` and the next `close`.
std::vector<Link> all_between(const std::string& text, const std::string& open,
                              const std::string& close);

}  // namespace worker_pool
