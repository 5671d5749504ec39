#include "tools/check_documents/tree.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "testing/run_program.h"

namespace worker_pool {

namespace fs = std::filesystem;

void add(Findings& findings, const fs::path& file, std::size_t line, const std::string& wrong,
         const std::string& allowed) {
  findings.push_back(file.generic_string() + ":" + std::to_string(line) + ": " + wrong +
                     " (allowed: " + allowed + ")");
}

std::vector<fs::path> paths_in(const fs::path& root) {
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    paths.push_back(entry.path().lexically_relative(root));
  }
  return paths;
}

std::vector<fs::path> text_files_in(const fs::path& root) {
  static const std::set<fs::path> kTexts = {".h",  ".cc",  ".md",   ".go",  ".py", ".bzl",
                                            ".sh", ".yml", ".json", ".cff", ""};
  static const std::set<fs::path> kExempt = {"LICENSE", "compile_commands.json"};
  std::vector<fs::path> files = paths_in(root);
  std::erase_if(files, [&root](const fs::path& file) {
    return !kTexts.contains(file.extension()) || kExempt.contains(file) || is_in(file, ".git") ||
           !fs::is_regular_file(root / file);
  });
  return files;
}

std::vector<Page> pages_of(const fs::path& root) {
  std::vector<Page> pages;
  for (const fs::path& file : paths_in(root)) {
    if (file.extension() == ".md") pages.push_back(read_page(root, file));
  }
  return pages;
}

std::vector<Page> lessons_of(const fs::path& root) {
  std::vector<Page> lessons;
  for (const std::string& folder : names_in(root, "step\\d_.*|full_pattern")) {
    lessons.push_back(read_page(root, fs::path(folder) / "README.md"));
  }
  return lessons;
}

std::set<std::string> names_in(const fs::path& folder, const std::string& pattern) {
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (std::regex_match(name, std::regex(pattern))) names.insert(name);
  }
  return names;
}

bool is_in(const fs::path& file, const fs::path& folder) {
  const fs::path relative = file.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

bool links_to(const Page& page, const fs::path& file, const std::string& anchor) {
  return std::ranges::any_of(links_of(page), [&](const Link& link) {
    return destination(page, link.target) == file && link.target.ends_with(anchor);
  });
}

std::vector<Link> matches(const Lines& lines, const std::regex& pattern) {
  std::vector<Link> found;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (std::sregex_iterator it(lines[i].begin(), lines[i].end(), pattern), end; it != end; ++it) {
      found.push_back({.line = i + 1, .target = it->str(1)});
    }
  }
  return found;
}

fs::path exercise_in(const Page& page, const std::string& text) {
  static const std::regex kExercise("(exercises/\\d\\d_\\w+)/.*");
  for (const Link& link : all_between(text, "](", ")")) {
    const std::string file = destination(page, link.target).generic_string();
    std::smatch found;
    if (std::regex_match(file, found, kExercise)) return found.str(1);
  }
  return {};
}

std::vector<Card> cards_of(const Page& page) {
  std::vector<Card> cards;
  for (const Link& card : all_between(page.prose, "# WP-", "\n#")) {
    const std::string heading = card.target.substr(0, card.target.find('\n'));
    const std::size_t colon = std::min(heading.find(": "), heading.size());
    Card found = {.line = card.line,
                  .id = "WP-" + heading.substr(0, colon),
                  .name = heading.substr(std::min(colon + 2, heading.size())),
                  .text = card.target,
                  .exercise = {}};
    for (const Link& part : all_between(card.target, "*exercise*:", "*source*")) {
      found.exercise = exercise_in(page, part.target);
    }
    cards.push_back(found);
  }
  return cards;
}

}  // namespace worker_pool
