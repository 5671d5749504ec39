#include <algorithm>
#include <filesystem>
#include <iterator>

#include "tools/check_documents/checks.h"

namespace worker_pool {

Findings check_documents(const std::filesystem::path& root) {
  Findings findings;
  for (const auto check : {check_links, check_excerpts, check_targets, check_breaks, check_cards,
                           check_exercises, check_front_page, check_words, check_sizes}) {
    std::ranges::copy(check(root), std::back_inserter(findings));
  }
  return findings;
}

}  // namespace worker_pool
