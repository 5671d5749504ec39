#include <cstddef>
#include <filesystem>
#include <set>
#include <string>

#include "testing/run_program.h"
#include "tools/check_documents/checks.h"
#include "tools/check_documents/tree.h"

namespace worker_pool {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostLines = 400;

// Written by hand: neither printed by a program, nor the license, nor Bazel's lock file.
bool is_ours(const fs::path& file) {
  static const std::set<fs::path> kTexts = {".h", ".cc", ".md", ".py", ".go", ".bzl", ".sh", ""};
  static const std::set<fs::path> kExempt = {"LICENSE", fs::path(kCards)};
  const bool is_hidden = is_in(file, ".git") || is_in(file, "benchmarks/results");
  return kTexts.contains(file.extension()) && !kExempt.contains(file) && !is_hidden;
}

}  // namespace

Findings check_sizes(const fs::path& root) {
  Findings findings;
  for (const fs::path& file : paths_in(root)) {
    if (!is_ours(file) || !fs::is_regular_file(root / file)) continue;
    const std::size_t lines = lines_of(contents(root / file)).size();
    if (lines > kMostLines)
      add(findings, file, lines, "the file has " + std::to_string(lines) + " lines",
          std::to_string(kMostLines) + " at most; split it by topic");
  }
  return findings;
}

}  // namespace worker_pool
