#include "tools/check_documents/documents.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tools/check_documents/markdown.h"
#include "testing/run_program.h"

namespace worker_pool {
namespace {

namespace fs = std::filesystem;

void add(Findings& findings, const fs::path& file, std::size_t line, const std::string& wrong,
         const std::string& allowed) {
  findings.push_back(file.generic_string() + ":" + std::to_string(line) + ": " + wrong +
                     " (allowed: " + allowed + ")");
}

// --- The tree ------------------------------------------------------------------------------------

// Files and folders, relative to root. Links to folders are not followed, so bazel-out is left out.
std::vector<fs::path> paths_in(const fs::path& root) {
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    paths.push_back(entry.path().lexically_relative(root));
  }
  return paths;
}

std::vector<Page> pages_of(const fs::path& root) {
  std::vector<Page> pages;
  for (const fs::path& file : paths_in(root)) {
    if (file.extension() == ".md") pages.push_back(read_page(root, file));
  }
  return pages;
}

bool is_code(const fs::path& file) { return file.extension() == ".h" || file.extension() == ".cc"; }

bool is_in(const fs::path& file, const fs::path& folder) {
  const fs::path relative = file.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

// Whether it is in a folder that Bazel does not see, and that is not here now.
bool is_out_of_sight(const fs::path& root, const fs::path& file) {
  const Lines ignored = lines_of(contents(root / ".bazelignore"));
  return std::ranges::any_of(ignored, [&](const std::string& folder) {
    return is_in(file, folder) && !fs::exists(root / folder);
  });
}

// The names in `folder` that match.
std::set<std::string> names_in(const fs::path& folder, const std::string& pattern) {
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (std::regex_match(name, std::regex(pattern))) names.insert(name);
  }
  return names;
}

bool links_to(const Page& page, const fs::path& file, const std::string& anchor = "") {
  return std::ranges::any_of(links_of(page), [&](const Link& link) {
    return destination(page, link.target) == file && link.target.ends_with(anchor);
  });
}

// What the first group of `pattern` matches, and on which line.
std::vector<Link> matches(const Lines& lines, const std::regex& pattern) {
  std::vector<Link> found;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (std::sregex_iterator it(lines[i].begin(), lines[i].end(), pattern), end; it != end; ++it) {
      found.push_back({.line = i + 1, .target = it->str(1)});
    }
  }
  return found;
}

// --- Links ---------------------------------------------------------------------------------------

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

// --- Excerpts ------------------------------------------------------------------------------------

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

// --- Targets -------------------------------------------------------------------------------------

// Whether a BUILD file or macro declares it: by name = "NAME" or some_test("NAME", or, for the
// names of a list, by name = "PREFIX" + name.
bool declares(const std::string& build, const std::string& name) {
  const std::string quoted = "\"" + name + "\"";
  if (build.contains("name = " + quoted) || build.contains("_test(" + quoted)) return true;
  static const std::regex kFromList("name = (?:\"(\\w+)\" \\+ )?name,");
  for (std::sregex_iterator it(build.begin(), build.end(), kFromList), end; it != end; ++it) {
    const std::string prefix = it->str(1);
    const std::string rest = name.substr(std::min(prefix.size(), name.size()));
    const bool is_listed = build.contains("\n        \"" + rest + "\",\n");
    if (is_listed && name == prefix + rest) return true;
  }
  return false;
}

bool has_package(const fs::path& folder) {
  return fs::is_directory(folder) && std::ranges::any_of(paths_in(folder), [](const fs::path& f) {
           return f.filename() == "BUILD";
         });
}

// `module` is the folder that // means.
bool is_target(const fs::path& root, const fs::path& module, const std::string& target) {
  if (target == "//...") return true;
  if (target.ends_with("/...")) return has_package(module / target.substr(2, target.size() - 6));
  const std::size_t colon = std::min(target.find(':'), target.size());
  const fs::path package = target.substr(2, colon - 2);
  const std::string name =
      colon == target.size() ? package.filename().string() : target.substr(colon + 1);
  const std::string build = contents(module / package / "BUILD");
  const bool is_exercise = package == "exercises/NN_name" || build.contains("\nexercise(\n");
  return declares(is_exercise ? contents(root / "exercises/harness/exercise.bzl") : build, name);
}

// --- Cards ---------------------------------------------------------------------------------------

std::string card_id(std::size_t number) {
  return std::string("WP-") + (number < 10 ? "0" : "") + std::to_string(number);
}

const std::string kCards = "docs/review_cards.md";

struct Card {
  std::size_t line;  // of its heading
  std::string id;
  std::string text;      // up to the next heading
  std::string exercise;  // as exercise_in() has it
};

// exercises/NN_name when the text links into it; "none" when it has the words `none` instead.
std::string exercise_in(const Page& page, const std::string& text, const std::string& none) {
  static const std::regex kExercise("(exercises/\\d\\d_\\w+)/.*");
  if (text.contains(none)) return "none";
  for (const Link& link : all_between(text, "](", ")")) {
    const std::string file = destination(page, link.target).generic_string();
    std::smatch found;
    if (std::regex_match(file, found, kExercise)) return found[1];
  }
  return "";
}

std::vector<Card> cards_of(const Page& page) {
  std::vector<Card> cards;
  for (const Link& card : all_between(page.prose, "# WP-", "\n#")) {
    std::string exercise;
    for (const Link& part : all_between(card.target, "*exercise*:", "*source*")) {
      exercise += exercise_in(page, part.target, "no exercise");
    }
    cards.push_back(
        {card.line, "WP-" + card.target.substr(0, card.target.find('\n')), card.target, exercise});
  }
  return cards;
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
  if (card.exercise.empty())
    wrong(" has no exercise", "*exercise*: and a link into exercises/NN_name, or: no exercise");

  const std::string begin = "| [" + card.id + "](#" + anchor_of(card.id) + ") | ";
  const auto row = std::ranges::find_if(
      page.lines, [&](const std::string& line) { return line.starts_with(begin); });
  if (row == page.lines.end()) return wrong(" has no row in the table", begin + "... | ... |");
  if (exercise_in(page, row->substr(row->rfind(" | ")), "none") != card.exercise)
    wrong(" has another exercise in the table", "the same link in both, or none");
}

void check_marks(const fs::path& root, const fs::path& file, const std::set<std::string>& cards,
                 Findings& findings) {
  static const std::regex kMark("(WP-\\d+)");
  for (const Link& id : matches(lines_of(contents(root / file)), kMark)) {
    if (!cards.contains(id.target))
      add(findings, file, id.line, "there is no card " + id.target, "ids of " + kCards);
  }
}

// --- Exercises -----------------------------------------------------------------------------------

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

Findings check_links(const fs::path& root) {
  Findings findings;
  for (const Page& page : pages_of(root)) {
    for (const Link& link : links_of(page)) check_link(root, page, link, findings);
    check_references(page, findings);
  }
  return findings;
}

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

Findings check_targets(const fs::path& root) {
  static const std::regex kTarget(R"((?:^|[\s"'=(-])(//(?:\.\.\.|(?:[a-z]\w*(?:/\w+)*)?:[\w.-]+)"
                                  R"(|[a-z]\w*(?:/\w+)*(?:/\.\.\.)?)))");
  Findings findings;
  for (const Page& page : pages_of(root)) {
    // benchmarks/ is a module of its own, and its page may mean either.
    const fs::path folder = root / *page.file.begin();
    const fs::path module = fs::exists(folder / "MODULE.bazel") ? folder : root;
    for (const auto& [line, target] : matches(lines_of(page.code), kTarget)) {
      if (!is_target(root, root, target) && !is_target(root, module, target))
        add(findings, page.file, line, "there is no target " + target, "what BUILD declares");
    }
  }
  return findings;
}

Findings check_cards(const fs::path& root) {
  Findings findings;
  const Page page = read_page(root, kCards);
  std::set<std::string> ids;
  for (const Card& card : cards_of(page)) {
    const std::string heading = "### " + card_id(ids.size() + 1);
    const std::string& line = page.lines[card.line - 1];
    if (line != heading) add(findings, page.file, card.line, line + ": out of order", heading);
    ids.insert(card.id);
    check_card(root, page, card, findings);
  }
  if (ids.empty()) add(findings, page.file, 1, "there are no cards", "### " + card_id(1));
  const std::set<fs::path> texts = {".h", ".cc", ".md", ".go", ".py"};
  for (const fs::path& file : paths_in(root)) {
    if (texts.contains(file.extension())) check_marks(root, file, ids, findings);
  }
  return findings;
}

Findings check_exercises(const fs::path& root) {
  Findings findings;
  const Page table = read_page(root, "exercises/README.md");
  const std::vector<Card> cards = cards_of(read_page(root, kCards));
  for (const std::string& name : names_in(root / "exercises", "\\d\\d_.*")) {
    check_exercise(root, table, fs::path("exercises") / name / "README.md", cards, findings);
  }
  return findings;
}

Findings check_front_page(const fs::path& root) {
  Findings findings;
  const Page page = read_page(root, "README.md");
  std::set<std::string> wanted = {"docs/go_to_cpp.md", kCards, "exercises/README.md"};
  for (const std::string& name : names_in(root, "step\\d_.*|full_pattern")) {
    wanted.insert(name + "/README.md");
  }
  for (const std::string& file : wanted) {
    if (!links_to(page, file))
      add(findings, page.file, 1, file + " is not linked",
          "all steps, exercises, cards, Go's forms");
  }
  return findings;
}

Findings check_documents(const fs::path& root) {
  Findings findings;
  for (const auto check : {check_links, check_excerpts, check_targets, check_cards, check_exercises,
                           check_front_page}) {
    std::ranges::copy(check(root), std::back_inserter(findings));
  }
  return findings;
}

}  // namespace worker_pool
