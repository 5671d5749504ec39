#include "tools/check_documents/markdown.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "testing/run_program.h"

namespace worker_pool {
namespace {

// The fence that a line begins with: ``` or ~~~ or longer; empty for any other line.
std::string fence_of(const std::string& line) {
  static const std::regex kFence(R"(\s*(`{3,}|~{3,}).*)");
  std::smatch found;
  return std::regex_match(line, found, kFence) ? found.str(1) : "";
}

void move_to_code(Page& page, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    if (page.prose[i] != '\n') page.code[i] = std::exchange(page.prose[i], ' ');
  }
}

void take_out_blocks(Page& page) {
  std::string open;  // the fence of the block that we are in
  std::size_t begin = 0;
  for (std::size_t i = 0; i < page.lines.size(); ++i) {
    const std::string& line = page.lines[i];
    const std::string fence = fence_of(line);
    const std::string info = line.substr(line.find(fence) + fence.size());
    if (!open.empty() || !fence.empty()) move_to_code(page, begin, begin + line.size());
    if (open.empty() && !fence.empty()) {
      open = fence;
      page.blocks.push_back({.language = info, .line = i + 1});
    } else if (!open.empty() && fence.starts_with(open) && info.empty()) {
      open.clear();
    } else if (!open.empty()) {
      page.blocks.back().lines.push_back(line);
    }
    begin += line.size() + 1;
  }
}

// `Like this`, within a paragraph. As many backticks end it as began it.
void take_out_inline_code(Page& page) {
  const std::string text = page.prose;
  std::size_t after = 0;
  for (std::size_t begin = text.find('`'); begin != std::string::npos;
       begin = text.find('`', after)) {
    after = text.find_first_not_of('`', begin);  // the page ends with a line end
    const std::string ticks = text.substr(begin, after - begin);
    const std::size_t end = text.find(ticks, after);
    if (end >= text.find("\n\n", after)) continue;  // also when neither is there
    move_to_code(page, after, end);
    after = end + ticks.size();
  }
}

}  // namespace

Page read_page(const std::filesystem::path& root, const std::filesystem::path& file) {
  Page page = {.file = file, .lines = lines_of(contents(root / file))};
  for (const std::string& line : page.lines) page.prose += line + "\n";
  page.code = page.prose;
  std::ranges::replace_if(page.code, [](char c) { return c != '\n'; }, ' ');
  take_out_blocks(page);
  take_out_inline_code(page);
  return page;
}

Lines headings_of(const Page& page) {
  static const std::regex kHeading("#{1,6} +(.*)");
  Lines headings;
  const Lines prose = lines_of(page.prose);
  for (std::size_t i = 0; i < prose.size(); ++i) {
    std::smatch found;
    if (prose[i].starts_with('#') && std::regex_match(page.lines[i], found, kHeading))
      headings.push_back(found[1]);
  }
  return headings;
}

std::string anchor_of(const std::string& heading) {
  static const std::regex kLink(R"(\[([^\]]*)\]\([^)]*\))");
  std::string anchor;
  for (const char c : std::regex_replace(heading, kLink, "$1")) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') {
      anchor += '-';
    } else if (c == '-' || c == '_') {
      anchor += c;
    } else if (std::isalnum(byte)) {
      anchor += static_cast<char>(std::tolower(byte));
    }
  }
  return anchor;
}

std::vector<Link> all_between(const std::string& text, const std::string& open,
                              const std::string& close) {
  std::vector<Link> found;
  for (std::size_t at = text.find(open); at != std::string::npos; at = text.find(open, at + 1)) {
    const std::size_t begin = at + open.size();
    const auto lines_before = std::ranges::count(text.substr(0, at), '\n');
    found.push_back({.line = static_cast<std::size_t>(lines_before) + 1,
                     .target = text.substr(begin, text.find(close, begin) - begin)});
  }
  return found;
}

std::vector<Link> links_of(const Page& page) {
  std::vector<Link> links = all_between(page.prose, "](", ")");
  std::ranges::copy(all_between(page.prose, "]: ", "\n"), std::back_inserter(links));
  std::ranges::copy(all_between(page.prose, "<!-- from ", " -->"), std::back_inserter(links));
  for (const std::string attribute : {"src", "href"}) {
    std::ranges::copy(all_between(page.prose, " " + attribute + "=\"", "\""),
                      std::back_inserter(links));
  }
  return links;
}

std::filesystem::path destination(const Page& page, const std::string& target) {
  const std::filesystem::path path = target.substr(0, target.find('#'));
  if (path.empty()) return page.file;
  return (page.file.parent_path() / path).lexically_normal();
}

}  // namespace worker_pool
