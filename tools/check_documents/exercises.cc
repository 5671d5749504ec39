#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "testing/run_program.h"
#include "tools/check_documents/checks.h"
#include "tools/check_documents/markdown.h"
#include "tools/check_documents/tree.h"

namespace worker_pool {
namespace {

namespace fs = std::filesystem;

std::string name_of(const fs::path& page) { return page.parent_path().filename().string(); }

// The row of an exercise begins with a link to its page, and then one to its lesson.
struct Row {
  std::size_t line;
  fs::path page;
  fs::path lesson;
};

std::vector<Row> rows_of(const Page& table) {
  const std::vector<Link> links = links_of(table);
  std::vector<Row> rows;
  for (std::size_t i = 0; i + 1 < links.size(); ++i) {
    const std::size_t line = links[i].line;
    const bool is_first = i == 0 || links[i - 1].line != line;
    if (!is_first || links[i + 1].line != line) continue;
    if (!table.lines[line - 1].starts_with("| [")) continue;
    rows.push_back({.line = line,
                    .page = destination(table, links[i].target),
                    .lesson = destination(table, links[i + 1].target)});
  }
  return rows;
}

// `page` is that of the exercise.
void check_exercise(const fs::path& root, const Page& table, const std::vector<Row>& rows,
                    const fs::path& page, const std::vector<Card>& cards, Findings& findings) {
  const fs::path folder = page.parent_path();
  const std::string name = name_of(page);
  if (!contents(root / "exercises/BUILD").contains("\"" + name + "\""))
    add(findings, "exercises/BUILD", 1, name + " is missing", "all exercises");
  const Page solution = read_page(root, folder / "solution/README.md");
  if (std::ranges::none_of(cards, [&](const Card& card) {
        return card.exercise == folder && links_to(solution, kCards, "#" + anchor_of(card.id));
      }))
    add(findings, solution.file, 1, "no card is linked that links " + name,
        "a link to " + kCards + "#wp-NN");
  const auto row = std::ranges::find(rows, page, &Row::page);
  if (row == rows.end())
    return add(findings, table.file, 1, name + " has no row in the table",
               "a row that links its README.md, then that of its step");
  if (!links_to(read_page(root, row->lesson), page))
    add(findings, row->lesson, 1, name + " is not linked",
        "links to all exercises for which exercises/README.md names this step");
}

// How many links of the lesson are before its first one to the page.
std::ptrdiff_t place_of(const fs::path& page, const Page& lesson) {
  const std::vector<Link> links = links_of(lesson);
  const auto first = std::ranges::find_if(
      links, [&](const Link& link) { return destination(lesson, link.target) == page; });
  return first - links.begin();
}

// Compares each row with the one before it of the same lesson.
void check_order(const fs::path& root, const Page& table, const std::vector<Row>& rows,
                 Findings& findings) {
  for (auto row = rows.begin(); row != rows.end(); ++row) {
    const auto has_its_lesson = [&](const Row& other) { return other.lesson == row->lesson; };
    const auto before = std::find_if(std::make_reverse_iterator(row), rows.rend(), has_its_lesson);
    if (before == rows.rend()) continue;
    const Page lesson = read_page(root, row->lesson);
    if (place_of(row->page, lesson) < place_of(before->page, lesson))
      add(findings, table.file, row->line,
          name_of(row->page) + " is below " + name_of(before->page) +
              ", but its lesson has it first",
          "the order of " + lesson.file.generic_string() + ", which ./learn follows");
  }
}

}  // namespace

Findings check_exercises(const fs::path& root) {
  Findings findings;
  const Page table = read_page(root, "exercises/README.md");
  const std::vector<Row> rows = rows_of(table);
  const std::vector<Card> cards = cards_of(read_page(root, kCards));
  for (const std::string& name : names_in(root / "exercises", "\\d\\d_.*")) {
    check_exercise(root, table, rows, fs::path("exercises") / name / "README.md", cards, findings);
  }
  check_order(root, table, rows, findings);
  return findings;
}

}  // namespace worker_pool
