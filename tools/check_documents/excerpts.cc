#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "testing/run_program.h"
#include "tools/check_documents/checks.h"
#include "tools/check_documents/markdown.h"
#include "tools/check_documents/tree.h"

namespace worker_pool {
namespace {

namespace fs = std::filesystem;

bool stands_for_lines_left_out(const std::string& line) {
  return line.ends_with("// ...") && line.find_first_not_of(" \t") == line.size() - 6;
}

// The index of the first line that is not where the file has it; lines.size() when all are.
std::size_t first_difference(const Lines& lines, const Lines& file) {
  auto from = file.begin();
  for (auto line = lines.begin();; ++line) {
    const auto end = std::find_if(line, lines.end(), stands_for_lines_left_out);
    auto most = line;  // up to here, the lines are somewhere in the file
    for (; from != file.end() && most != end; ++from) {
      most = std::max(most, std::mismatch(line, end, from, file.end()).first);
    }
    if (most != end) return static_cast<std::size_t>(most - lines.begin());
    if (end == lines.end()) return lines.size();
    if (line != end) from += end - line - 1;
    line = end;
  }
}

bool says_nothing(const std::string& line) {
  return line.find_first_not_of(" \t") == std::string::npos || stands_for_lines_left_out(line);
}

void check_excerpt(const fs::path& root, const Page& page, const Block& block,
                   const std::string& source, Findings& findings) {
  const fs::path file = destination(page, source);
  if (std::ranges::all_of(block.lines, says_nothing))
    return add(findings, page.file, block.line, "an excerpt without a line", "lines of " + source);
  if (!fs::exists(root / file)) return;  // check_links() says so
  const std::size_t at = first_difference(block.lines, lines_of(contents(root / file)));
  if (at == block.lines.size()) return;
  add(findings, page.file, block.line + 1 + at,
      file.generic_string() + " does not have here: " + block.lines[at],
      "lines as the file has them; // ... for lines left out");
}

}  // namespace

Findings check_excerpts(const fs::path& root) {
  static const std::regex kMark("<!-- from (\\S+) -->");
  static const std::regex kHasToBeMarked("\\s*(cpp|c\\+\\+|cxx|cc|h|hpp|go|golang)(\\W.*)?",
                                         std::regex::icase);
  Findings findings;
  for (const Page& page : pages_of(root)) {
    std::set<std::size_t> marks;
    for (const Block& block : page.blocks) {
      std::smatch mark;
      if (block.line > 1 && std::regex_match(page.lines[block.line - 2], mark, kMark)) {
        marks.insert(block.line - 1);
        check_excerpt(root, page, block, mark[1], findings);
      } else if (std::regex_match(block.language, kHasToBeMarked)) {
        add(findings, page.file, block.line, "code that is from no file",
            "<!-- from FILE --> on the line above");
      }
    }
    for (const Link& mark : all_between(page.prose, "<!-- from ", " -->")) {
      if (!marks.contains(mark.line))
        add(findings, page.file, mark.line, "nothing is from " + mark.target,
            "a block that begins on the next line");
    }
  }
  return findings;
}

}  // namespace worker_pool
