#include <algorithm>
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

// `page` is that of the exercise. Its row in the table links it first, and then its lesson.
void check_exercise(const fs::path& root, const Page& table, const fs::path& page,
                    const std::vector<Card>& cards, Findings& findings) {
  const fs::path folder = page.parent_path();
  const std::string name = folder.filename().string();
  if (!contents(root / "exercises/BUILD").contains("\"" + name + "\""))
    add(findings, "exercises/BUILD", 1, name + " is missing", "all exercises");
  const Page solution = read_page(root, folder / "solution/README.md");
  if (std::ranges::none_of(cards, [&](const Card& card) {
        return card.exercise == folder && links_to(solution, kCards, "#" + anchor_of(card.id));
      }))
    add(findings, solution.file, 1, "no card is linked that links " + name,
        "a link to " + kCards + "#wp-NN");
  const std::vector<Link> links = links_of(table);
  const auto row = std::ranges::find_if(links, [&](const Link& link) {
    return table.lines[link.line - 1].starts_with("| [") && destination(table, link.target) == page;
  });
  if (row == links.end() || row + 1 == links.end() || row[1].line != row->line)
    return add(findings, table.file, 1, name + " has no row in the table",
               "a row that links its README.md, then that of its step");
  const fs::path lesson = destination(table, row[1].target);
  if (!links_to(read_page(root, lesson), page))
    add(findings, lesson, 1, name + " is not linked",
        "links to all exercises for which exercises/README.md names this step");
}

}  // namespace

Findings check_exercises(const fs::path& root) {
  Findings findings;
  const Page table = read_page(root, "exercises/README.md");
  const std::vector<Card> cards = cards_of(read_page(root, kCards));
  for (const std::string& name : names_in(root / "exercises", "\\d\\d_.*")) {
    check_exercise(root, table, fs::path("exercises") / name / "README.md", cards, findings);
  }
  return findings;
}

}  // namespace worker_pool
