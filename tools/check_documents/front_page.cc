#include <filesystem>
#include <set>
#include <string>

#include "tools/check_documents/checks.h"
#include "tools/check_documents/markdown.h"
#include "tools/check_documents/tree.h"

namespace worker_pool {

Findings check_front_page(const std::filesystem::path& root) {
  Findings findings;
  const Page page = read_page(root, "README.md");
  std::set<std::filesystem::path> wanted = {"docs/go_to_cpp.md", kCards, "exercises/README.md"};
  for (const Page& lesson : lessons_of(root)) wanted.insert(lesson.file);
  for (const std::filesystem::path& file : wanted) {
    if (!links_to(page, file))
      add(findings, page.file, 1, file.generic_string() + " is not linked",
          "every lesson, the exercises, the cards, and the page from Go to C++");
  }
  return findings;
}

}  // namespace worker_pool
