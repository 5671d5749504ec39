#include "exercises/learn/pages.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exercises/learn/text.h"

namespace worker_pool {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of('\n');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of('\n') + 1 - first);
}

// "[text](target)" becomes "text". A link may go over two lines.
std::string without_targets(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto open = text.find('[');
    const auto middle = text.find("](", open);
    const auto close = text.find(')', middle);
    if (close == text.npos) break;
    result += text.substr(0, open);
    // A bracket of the code, such as a lambda's, may come before the link's.
    const auto begin = text.rfind('[', middle);
    result += text.substr(open, begin - open);
    result += text.substr(begin + 1, middle - begin - 1);
    text.remove_prefix(close + 1);
  }
  return result + std::string(text);
}

// A heading, or an item of a list.
bool begins_paragraph(std::string_view line) {
  if (line.starts_with('#') || line.starts_with("- ")) return true;
  return line.size() > 2 && line[0] >= '0' && line[0] <= '9' && line[1] == '.';
}

}  // namespace

std::vector<Hint> hints_of(std::string_view page) {
  static const std::string kBegin = "<details><summary>";
  static const std::string kTitleEnd = "</summary>";
  static const std::string kEnd = "</details>";
  std::vector<Hint> hints;
  for (auto begin = page.find(kBegin); begin != page.npos; begin = page.find(kBegin, begin + 1)) {
    const auto title = begin + kBegin.size();
    const auto title_end = page.find(kTitleEnd, title);
    const auto end = page.find(kEnd, title);
    if (title_end == page.npos || end == page.npos || end < title_end) break;
    const auto text = title_end + kTitleEnd.size();
    hints.push_back({.title = std::string(page.substr(title, title_end - title)),
                     .text = plain_text(page.substr(text, end - text))});
  }
  return hints;
}

std::string plain_text(std::string_view page) {
  std::string text;
  for (const std::string& line : split_lines(page)) {
    if (!line.starts_with("<!--")) text += line + "\n";
  }
  return trimmed(without_targets(text));
}

std::vector<std::string> paragraphs(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  std::string paragraph;
  const auto end_paragraph = [&] {
    for (std::string& line : wrap(paragraph, columns)) lines.push_back(std::move(line));
    paragraph.clear();
  };
  bool is_code = false;
  for (const std::string& line : split_lines(text)) {
    const bool is_fence = line.starts_with("```");
    if (is_fence) is_code = !is_code;
    const bool is_literal = is_code || is_fence || line.empty() || line.starts_with('|');
    if (is_literal || begins_paragraph(line)) end_paragraph();
    if (is_literal) {
      lines.push_back(line);
    } else {
      paragraph += line + " ";
    }
  }
  end_paragraph();
  return lines;
}

}  // namespace worker_pool
