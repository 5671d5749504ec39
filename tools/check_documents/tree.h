// What the checks share: the files and pages of a tree, and how a finding is reported.
#pragma once

#include <cstddef>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tools/check_documents/checks.h"
#include "tools/check_documents/markdown.h"

namespace worker_pool {

inline const std::string kCards = "docs/review_cards.md";

// Appends "FILE:LINE: WRONG (allowed: ALLOWED)".
void add(Findings& findings, const std::filesystem::path& file, std::size_t line,
         const std::string& wrong, const std::string& allowed);

// All files and folders, relative to `root`. Symbolic links to folders are not followed, so that
// bazel-out is left out.
std::vector<std::filesystem::path> paths_in(const std::filesystem::path& root);

// The text files, written by hand: neither the license nor what tools/compile_commands generates.
std::vector<std::filesystem::path> text_files_in(const std::filesystem::path& root);

// All Markdown pages.
std::vector<Page> pages_of(const std::filesystem::path& root);

// The lessons: the README.md of each step and of the full pattern that exists.
std::vector<Page> lessons_of(const std::filesystem::path& root);

// The names in `folder` that match `pattern`.
std::set<std::string> names_in(const std::filesystem::path& folder, const std::string& pattern);

bool is_in(const std::filesystem::path& file, const std::filesystem::path& folder);

// Whether `page` has a link to `file` that ends with `anchor`.
bool links_to(const Page& page, const std::filesystem::path& file, const std::string& anchor = "");

// What the first group of `pattern` matches, with the line of each match.
std::vector<Link> matches(const Lines& lines, const std::regex& pattern);

// A review card, as far as other checks need it.
struct Card {
  std::size_t line;                // of its heading
  std::string id;                  // WP-07
  std::string name;                // what follows the id in the heading
  std::string text;                // up to the next heading
  std::filesystem::path exercise;  // exercises/NN_name, or empty
};

std::vector<Card> cards_of(const Page& page);

// The first exercises/NN_name into which `text` links; empty if there is none.
std::filesystem::path exercise_in(const Page& page, const std::string& text);

}  // namespace worker_pool
