#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <regex>
#include <string>

#include "testing/run_program.h"
#include "tools/check_documents/checks.h"
#include "tools/check_documents/markdown.h"
#include "tools/check_documents/tree.h"

namespace worker_pool {
namespace {

namespace fs = std::filesystem;

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
  if (!is_exercise) return declares(build, name);
  const bool is_own = name != package.filename() && declares(build, name);
  return is_own || declares(contents(root / "exercises/harness/exercise.bzl"), name);
}

}  // namespace

Findings check_targets(const fs::path& root) {
  static const std::regex kTarget(R"((?:^|[\s"'=(-])(//(?:\.\.\.|(?:[a-z]\w*(?:/\w+)*)?:[\w.-]+)"
                                  R"(|[a-z]\w*(?:/\w+)*(?:/\.\.\.)?)))");
  Findings findings;
  for (const Page& page : pages_of(root)) {
    // Some folders, such as benchmarks/, are modules of their own. Their pages may mean either.
    const fs::path folder = root / *page.file.begin();
    const fs::path module = fs::exists(folder / "MODULE.bazel") ? folder : root;
    for (const auto& [line, target] : matches(lines_of(page.code), kTarget)) {
      if (!is_target(root, root, target) && !is_target(root, module, target))
        add(findings, page.file, line, "there is no target " + target, "what BUILD declares");
    }
  }
  return findings;
}

}  // namespace worker_pool
