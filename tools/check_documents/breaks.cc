#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "testing/run_program.h"
#include "tools/check_documents/checks.h"
#include "tools/check_documents/markdown.h"
#include "tools/check_documents/tree.h"

namespace worker_pool {
namespace {

namespace fs = std::filesystem;

// FILE, when the line is <!-- break FILE -->.
std::optional<std::string> broken_file(const std::string& line) {
  const std::string open = "<!-- break ", close = " -->";
  if (!line.starts_with(open) || !line.ends_with(close)) return std::nullopt;
  return line.substr(open.size(), line.size() - open.size() - close.size());
}

// What the diff takes out: its lines that begin with a minus, without it.
Lines removed_by(const Block& diff) {
  Lines removed;
  for (const std::string& line : diff.lines) {
    if (line.starts_with('-')) removed.push_back(line.substr(1));
  }
  return removed;
}

// How often `part` occurs in `file`, as consecutive lines.
std::size_t occurrences(const Lines& part, const Lines& file) {
  std::size_t found = 0;
  for (auto from = file.begin();; ++from) {
    from = std::search(from, file.end(), part.begin(), part.end());
    if (from == file.end()) return found;
    ++found;
  }
}

void check_break(const fs::path& root, const Page& page, const Block& diff, const std::string& file,
                 Findings& findings) {
  if (!fs::exists(root / file))
    return add(findings, page.file, diff.line - 1, "there is no " + file,
               "a path from the top of the course");
  const Lines removed = removed_by(diff);
  if (removed.empty())
    return add(findings, page.file, diff.line, "the change removes nothing",
               "lines that begin with -");
  const std::size_t times = occurrences(removed, lines_of(contents(root / file)));
  if (times != 1)
    add(findings, page.file, diff.line,
        "the removed lines occur " + std::to_string(times) + " times in " + file, "exactly once");
}

}  // namespace

Findings check_breaks(const fs::path& root) {
  Findings findings;
  for (const Page& page : lessons_of(root)) {
    std::size_t breaks = 0;
    for (const Block& block : page.blocks) {
      if (block.line < 2) continue;
      const std::optional<std::string> file = broken_file(page.lines[block.line - 2]);
      if (!file) continue;
      ++breaks;
      check_break(root, page, block, *file, findings);
    }
    const Lines headings = headings_of(page);
    if (breaks == 0 || std::ranges::find(headings, "Break it") == headings.end())
      add(findings, page.file, 1, "the lesson breaks nothing",
          "a section \"Break it\" with <!-- break FILE --> above a block of diff");
  }
  return findings;
}

}  // namespace worker_pool
