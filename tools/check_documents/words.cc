#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "testing/run_program.h"
#include "tools/check_documents/checks.h"
#include "tools/check_documents/markdown.h"
#include "tools/check_documents/tree.h"

namespace worker_pool {
namespace {

namespace fs = std::filesystem;

// One line of words.txt: "refused | refused -> instead".
struct Entry {
  std::vector<std::string> refused;
  std::string instead;
};

const fs::path kWords = "tools/check_documents/words.txt";

std::vector<Entry> entries_of(const Lines& lines) {
  const std::string arrow = " -> ", bar = " | ";
  std::vector<Entry> entries;
  for (const std::string& line : lines) {
    const std::size_t at = line.find(arrow);
    if (line.starts_with('#') || at == std::string::npos) continue;
    Entry entry = {.refused = {}, .instead = line.substr(at + arrow.size())};
    for (std::size_t begin = 0; begin < at;) {
      const std::size_t end = std::min(line.find(bar, begin), at);
      entry.refused.push_back(line.substr(begin, end - begin));
      begin = end + bar.size();
    }
    entries.push_back(entry);
  }
  return entries;
}

// A text as one line of lower-case letters, so that an expression is found across a line break.
struct Text {
  std::string letters;
  std::vector<std::size_t> starts;  // of each line, in `letters`
};

// Leaves out what a line begins with in a comment, a quote or a list.
Text joined(const Lines& lines) {
  Text text;
  for (const std::string& line : lines) {
    text.starts.push_back(text.letters.size());
    for (const char c : line.substr(std::min(line.find_first_not_of(" \t/#>*-"), line.size()))) {
      text.letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    text.letters += ' ';
  }
  return text;
}

std::size_t line_at(const Text& text, std::size_t position) {
  return static_cast<std::size_t>(std::ranges::upper_bound(text.starts, position) -
                                  text.starts.begin());
}

bool is_word(const std::string& letters, std::size_t begin, std::size_t end) {
  const auto is_letter = [&](std::size_t i) {
    return std::isalnum(static_cast<unsigned char>(letters[i])) != 0 || letters[i] == '_';
  };
  return (begin == 0 || !is_letter(begin - 1)) && !is_letter(end);
}

void check_text(const fs::path& file, const Text& text, const std::vector<Entry>& entries,
                Findings& findings) {
  for (const Entry& entry : entries) {
    for (const std::string& refused : entry.refused) {
      for (std::size_t at = text.letters.find(refused); at != std::string::npos;
           at = text.letters.find(refused, at + 1)) {
        if (is_word(text.letters, at, at + refused.size()))
          add(findings, file, line_at(text, at), "'" + refused + "'", entry.instead);
      }
    }
  }
}

}  // namespace

Findings check_words(const fs::path& root) {
  Findings findings;
  const std::vector<Entry> entries = entries_of(lines_of(contents(root / kWords)));
  if (entries.empty())
    add(findings, kWords, 1, "there are no words", "refused | refused -> what to write instead");
  for (const fs::path& file : text_files_in(root)) {
    check_text(file, joined(lines_of(contents(root / file))), entries, findings);
  }
  return findings;
}

}  // namespace worker_pool
