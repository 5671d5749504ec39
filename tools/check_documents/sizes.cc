#include <cstddef>
#include <filesystem>
#include <string>

#include "testing/run_program.h"
#include "tools/check_documents/checks.h"
#include "tools/check_documents/tree.h"

namespace worker_pool {

Findings check_sizes(const std::filesystem::path& root) {
  constexpr std::size_t kMostLines = 400;
  Findings findings;
  for (const std::filesystem::path& file : text_files_in(root)) {
    if (file == kCards) continue;
    const std::size_t lines = lines_of(contents(root / file)).size();
    if (lines > kMostLines)
      add(findings, file, lines, "the file has " + std::to_string(lines) + " lines",
          std::to_string(kMostLines) + " at most; split it by topic");
  }
  return findings;
}

}  // namespace worker_pool
