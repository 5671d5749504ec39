#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
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

// Whether it is in a folder that Bazel does not see, and that is not here now.
bool is_out_of_sight(const fs::path& root, const fs::path& file) {
  const Lines ignored = lines_of(contents(root / ".bazelignore"));
  return std::ranges::any_of(ignored, [&](const std::string& folder) {
    return is_in(file, folder) && !fs::exists(root / folder);
  });
}

// The second heading of a name gets a number.
std::set<std::string> anchors_of(const Page& page) {
  std::set<std::string> anchors;
  std::map<std::string, int> times;
  for (const std::string& heading : headings_of(page)) {
    const std::string anchor = anchor_of(heading);
    const int before = times[anchor]++;
    anchors.insert(before == 0 ? anchor : anchor + "-" + std::to_string(before));
  }
  for (const Link& id : all_between(page.prose, "<a id=\"", "\"")) anchors.insert(id.target);
  return anchors;
}

void check_link(const fs::path& root, const Page& page, const Link& link, Findings& findings) {
  const auto wrong = [&](const std::string& what, const std::string& allowed) {
    add(findings, page.file, link.line, "link to '" + link.target + "': " + what, allowed);
  };
  if (link.target.empty() || link.target.find_first_of(" \t\n") != std::string::npos)
    return wrong("empty, or with a blank or a title", "a target without blanks");
  if (link.target.starts_with("https://")) return;
  if (link.target.starts_with('/') || link.target.contains(':'))
    return wrong("neither https nor relative", "https://... or a path from this page");
  const fs::path file = destination(page, link.target);
  if (is_out_of_sight(root, file)) return;
  if (*file.begin() == ".." || !fs::exists(root / file))
    return wrong("there is no " + file.generic_string(), "a file or folder of the course");
  const std::size_t hash = link.target.find('#');
  if (hash == std::string::npos) return;
  if (!anchors_of(read_page(root, file)).contains(link.target.substr(hash + 1)))
    wrong(file.generic_string() + " has no such anchor",
          "that of a heading or an <a id> of a page");
}

// Each [text][id] has its [id]: target, and each of these is used.
void check_references(const Page& page, Findings& findings) {
  static const std::regex kDefinition("^\\[([^\\]]+)\\]: ");
  std::map<std::string, std::size_t> used, defined;  // ids, and where
  for (const Link& use : all_between(page.prose, "][", "]")) used.emplace(use.target, use.line);
  for (const Link& id : matches(lines_of(page.prose), kDefinition)) {
    defined.emplace(id.target, id.line);
  }
  for (const auto& [id, line] : used) {
    if (!defined.contains(id))
      add(findings, page.file, line, "[" + id + "] is not defined", "a line [" + id + "]: target");
  }
  for (const auto& [id, line] : defined) {
    if (!used.contains(id))
      add(findings, page.file, line, "[" + id + "] is not used", "a link [text][" + id + "]");
  }
}

}  // namespace

Findings check_links(const fs::path& root) {
  Findings findings;
  for (const Page& page : pages_of(root)) {
    for (const Link& link : links_of(page)) check_link(root, page, link, findings);
    check_references(page, findings);
  }
  return findings;
}

}  // namespace worker_pool
