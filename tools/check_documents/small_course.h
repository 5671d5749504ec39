// A small course for the tests of the checks, without a finding until a test changes it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tools/check_documents/checks.h"

namespace worker_pool {

namespace fs = std::filesystem;

// Put together, because this file itself must not have the mark of a card.
inline const std::string kMark = "WP-";
inline const std::string kFirstCard = kMark + "01";
inline const std::string kSecondCard = kMark + "02";
inline const std::string kExercise = "[01](../exercises/01_first/README.md)";
inline const std::string kFirstRow =
    "| [" + kFirstCard + "](#wp-01) | a smell | " + kExercise + " |\n\n";
inline const std::string kSecondRow = "| [" + kSecondCard + "](#wp-02) | a smell | |\n\n";
inline const std::string kBreak =
    "## Break it\n\n<!-- break step1_job/demo.cc -->\n```diff\n-int main() {}\n+\n```\n";
inline const std::string kLesson = "[01_first](../exercises/01_first/README.md)\n" + kBreak;
inline const std::string kLinkOfExercise = ", *exercise*: " + kExercise;

class Documents : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    root_ = fs::path(testing::TempDir()) / fs::path(name).filename();
    fs::remove_all(root_);
    write(".bazelignore", "benchmarks\n");
    write("README.md", "[Step 1](step1_job/README.md), [speed](benchmarks/README.md#results)\n" +
                           std::string("[a](docs/go_to_cpp.md) [b](docs/review_cards.md) ") +
                           "[c](exercises/README.md)\n");
    write("docs/go_to_cpp.md", "");
    write("tools/check_documents/words.txt", "# wee -> nothing\nwee dax | wug -> plain\n");
    write("docs/review_cards.md", kFirstRow + card(kFirstCard));
    write("exercises/BUILD", "_EXERCISES = [\n    \"01_first\",\n]\n");
    write("exercises/README.md",
          "| [01_first](01_first/README.md) | [1. Job](../step1_job/README.md) |\n");
    write("exercises/harness/exercise.bzl", "def exercise(name):\n    _exercise_test(\"test\")\n");
    write("exercises/01_first/BUILD",
          "load(\"\")\n\nexercise(\n    name = \"01_first\",\n)\n\nmore(name = \"own\")\n");
    write("exercises/01_first/README.md", "# First\n");
    write("exercises/01_first/solution/README.md", "[a](../../../docs/review_cards.md#wp-01)\n");
    write("step1_job/BUILD", R"(cc_binary(
    name = "demo",
)

[
    cc_test(
        name = "fast_" + name,
    )
    for name in [
        "job_test",
    ]
]
)");
    write("step1_job/README.md", kLesson);
    write("step1_job/demo.cc", "int main() {}\n");
    write("step1_job/job.h", "// " + kFirstCard + R"(
struct Job {
  int id;
  int payload;
};
)");
  }

  static std::string card(const std::string& id, const std::string& exercise = kLinkOfExercise) {
    return "<a id=\"wp-" + id.substr(kMark.size()) + "\"></a>\n### " + id + ": a rule" +
           "\n\n```diff\n+a\n```\n\n> No.\n\n[code](../step1_job/job.h)" + exercise +
           ", *source*: us.\n\n";
  }

  // The first card, with something else in place of `part`.
  void write_card_with(const std::string& part, const std::string& other) const {
    std::string text = kFirstRow + card(kFirstCard);
    ASSERT_TRUE(text.contains(part));
    write("docs/review_cards.md", text.replace(text.find(part), part.size(), other));
  }

  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }

  Findings found() const { return check_documents(root_); }

  fs::path root_;
};

inline auto only(const std::string& finding) {
  return testing::ElementsAre(testing::StartsWith(finding + " (allowed: "));
}

}  // namespace worker_pool
