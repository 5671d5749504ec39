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

bool is_code(const fs::path& file) { return file.extension() == ".h" || file.extension() == ".cc"; }

std::string card_id(std::size_t number) {
  return std::string("WP-") + (number < 10 ? "0" : "") + std::to_string(number);
}

void check_card(const fs::path& root, const Page& page, const Card& card, Findings& findings) {
  const auto wrong = [&](const std::string& what, const std::string& allowed) {
    add(findings, page.file, card.line, card.id + what, allowed);
  };
  bool has_code = false;
  for (const Link& link : all_between(card.text, "](", ")")) {
    const fs::path file = destination(page, link.target);
    const bool is_ours = !is_in(file, "exercises") && !is_in(file, "benchmarks");
    if (!is_code(file) || !is_ours || link.target.contains(':')) continue;
    has_code = true;
    if (!contents(root / file).contains(card.id))
      wrong(" is not in " + file.generic_string(), "links to code with the id in a comment");
  }
  const auto end = card.line + static_cast<std::size_t>(std::ranges::count(card.text, '\n'));
  const bool has_diff = std::ranges::any_of(page.blocks, [&](const Block& block) {
    return block.language == "diff" && block.line > card.line && block.line <= end;
  });
  if (!has_code) wrong(" links no code", "a link to a .h or .cc with the id in a comment");
  if (!has_diff) wrong(" has no smell", "a block of diff");
  if (!card.text.contains("\n> ")) wrong(" has no comment to paste", "a quote: > ...");
  if (!card.text.contains("*source*")) wrong(" has no source", "*source*: ...");
  if (card.name.empty()) wrong(" has no name", "### " + card.id + ": what the card asks for");
  if (!page.prose.contains("<a id=\"" + anchor_of(card.id) + "\"></a>\n"))
    wrong(" has no anchor", "<a id=\"" + anchor_of(card.id) + "\"></a> above the heading");
  if (card.text.contains("*exercise*") && card.exercise.empty())
    wrong(" links no exercise", "*exercise*: and a link into exercises/NN_name, or neither");

  const std::string begin = "| [" + card.id + "](#" + anchor_of(card.id) + ") | ";
  const auto row = std::ranges::find_if(
      page.lines, [&](const std::string& line) { return line.starts_with(begin); });
  if (row == page.lines.end()) return wrong(" has no row in the table", begin + "... | ... |");
  if (exercise_in(page, row->substr(row->rfind(" | "))) != card.exercise)
    wrong(" has another exercise in the table", "the same link in both, or in neither");
}

void check_marks(const fs::path& root, const fs::path& file, const std::set<std::string>& cards,
                 Findings& findings) {
  static const std::regex kMark("(WP-\\d+)");
  for (const Link& id : matches(lines_of(contents(root / file)), kMark)) {
    if (!cards.contains(id.target))
      add(findings, file, id.line, "there is no card " + id.target, "ids of " + kCards);
  }
}

}  // namespace

Findings check_cards(const fs::path& root) {
  Findings findings;
  const Page page = read_page(root, kCards);
  std::set<std::string> ids;
  for (const Card& card : cards_of(page)) {
    const std::string heading = "### " + card_id(ids.size() + 1);
    const std::string& line = page.lines[card.line - 1];
    if (!line.starts_with(heading))
      add(findings, page.file, card.line, line + ": out of order", heading);
    ids.insert(card.id);
    check_card(root, page, card, findings);
  }
  if (ids.empty()) add(findings, page.file, 1, "there are no cards", "### " + card_id(1));
  for (const fs::path& file : text_files_in(root)) check_marks(root, file, ids, findings);
  return findings;
}

}  // namespace worker_pool
