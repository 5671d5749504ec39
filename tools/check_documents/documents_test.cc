#include "tools/check_documents/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace worker_pool {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Not written out: this file itself has no mark of a card.
const std::string kMark = "WP-";
const std::string kFirstCard = kMark + "01";
const std::string kSecondCard = kMark + "02";
const std::string kExercise = "[01](../exercises/01_first/README.md)";
const std::string kFirstRow = "| [" + kFirstCard + "](#wp-01) | a smell | " + kExercise + " |\n\n";
const std::string kSecondRow = "| [" + kSecondCard + "](#wp-02) | a smell | none |\n\n";

// A small course, in which all is well until a test writes something else.
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
    write("docs/review_cards.md", kFirstRow + card(kFirstCard));
    write("exercises/BUILD", "_EXERCISES = [\n    \"01_first\",\n]\n");
    write("exercises/README.md",
          "| [01_first](01_first/README.md) | [1. Job](../step1_job/README.md) |\n");
    write("exercises/harness/exercise.bzl", "def exercise(name):\n    _exercise_test(\"test\")\n");
    write("exercises/01_first/BUILD", "load(\"\")\n\nexercise(\n    name = \"01_first\",\n)\n");
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
    write("step1_job/README.md", "[01_first](../exercises/01_first/README.md)\n");
    write("step1_job/job.h", "// " + kFirstCard + R"(
struct Job {
  int id;
  int payload;
};
)");
  }

  static std::string card(const std::string& id, const std::string& exercise = kExercise) {
    return "### " + id + "\n\n```diff\n+a\n```\n\n> No.\n\n[code](../step1_job/job.h), " +
           "*exercise*: " + exercise + ", *source*: us.\n\n";
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

auto only(const std::string& finding) { return ElementsAre(StartsWith(finding + " (allowed: ")); }

TEST_F(Documents, AreFineWhenAllTheySayIsSo) { EXPECT_THAT(found(), IsEmpty()); }

// --- One page ------------------------------------------------------------------------------------

// A page in docs/, and what is found in it: "LINE: what is wrong". Nothing: all is well.
struct Sample {
  std::string name;
  std::string page;
  std::string finding{};
};

void PrintTo(const Sample& sample, std::ostream* out) { *out << sample.page; }

class OnePage : public Documents, public testing::WithParamInterface<Sample> {};

TEST_P(OnePage, IsFineOrHasOneFinding) {
  write("docs/page.md", GetParam().page);
  if (GetParam().finding.empty()) {
    EXPECT_THAT(found(), IsEmpty());
  } else {
    EXPECT_THAT(found(), only("docs/page.md:" + GetParam().finding));
  }
}

const Sample kLinks[] = {
    {"LinkToAFileOrFolder",
     "[a](../step1_job/job.h) [b](../step1_job) [c](../step1_job/) [d](../benchmarks/)\n"},
    {"LinkToNoFile", "\n[a](job.h)\n", "2: link to 'job.h': there is no docs/job.h"},
    {"LinkWithALongText", "[a\nb](job.h)\n", "2: link to 'job.h': there is no docs/job.h"},
    {"SecondLinkOfALine", "[a](page.md) [b](b)\n", "1: link to 'b': there is no docs/b"},
    {"Image", "![a](a.svg)\n", "1: link to 'a.svg': there is no docs/a.svg"},
    {"ImageAsHtml", "<img src=\"a.svg\">\n", "1: link to 'a.svg': there is no docs/a.svg"},
    {"LinkAsHtml", "<a href=\"a.h\">a</a>\n", "1: link to 'a.h': there is no docs/a.h"},
    {"LinkByReference", "[x][a]\n\n[a]: a.h\n", "3: link to 'a.h': there is no docs/a.h"},
    {"ReferencesThatBelongTogether", "[`x`][a] [y][a]\n\n[a]: page.md\n"},
    {"ReferenceToNothing", "\n[x][a] `[x][b]`\n", "2: [a] is not defined"},
    {"ReferenceThatNobodyUses", "[a]\n\n[a]: page.md\n", "3: [a] is not used"},
    {"LinkOutOfTheCourse", "[a](../..)\n", "1: link to '../..': there is no .."},
    {"LinkToTheRootOfTheDisk", "[a](/etc)\n", "1: link to '/etc': neither https nor relative"},
    {"LinkToAnotherPlace", "[a](https://example.com/a#b)\n"},
    {"LinkWithoutTls", "[a](http://a.b)\n", "1: link to 'http://a.b': neither https nor relative"},
    {"LinkWithABlank", "[a](https://a b)\n",
     "1: link to 'https://a b': empty, or with a blank or a title"},
    {"LinkToNothing", "[a]()\n", "1: link to '': empty, or with a blank or a title"},
    {"NoLinkInCode", "`[a](b)` and ``a ` [a](b)``\n```text\n[a](b)\n```\n~~~\n[a](b)\n~~~\n"},
    {"NoLinkInAnIndentedBlock", "- a\n\n   ```sh\n\n   [a](b)\n   ```\n"},
    {"NoEndOfABlockWithALanguage", "```text\n```sh\n[a](b)\n```\n"},
    {"NoCodeWithoutAnEnd", "a ` b\n\n[a](b)\n\nc ` d\n", "3: link to 'b': there is no docs/b"},
    {"LinkAfterABlockInABlock", "````text\n```\n````\n[a](b)\n",
     "4: link to 'b': there is no docs/b"},
    {"AnchorOfAHeading",
     "## Why `std::jthread`, [again](page.md)? + A_b-c\n"
     "[a](#why-stdjthread-again--a_b-c)\n"},
    {"AnchorOfAFolder", "[a](../step1_job#a)\n",
     "1: link to '../step1_job#a': step1_job has no such anchor"},
    {"AnchorOfNoHeading", "# A\n[a](#b)\n", "2: link to '#b': docs/page.md has no such anchor"},
    {"AnchorOfAHeadingInCode", "```sh\n# A\n```\n[a](#a)\n",
     "4: link to '#a': docs/page.md has no such anchor"},
    {"AnchorOfTheSecondHeading", "# A\n## A\n### A\n[a](#a-1) [a](#a-2)\n"},
    {"AnchorOfNoThirdHeading", "# A\n## A\n[a](#a-2)\n",
     "3: link to '#a-2': docs/page.md has no such anchor"},
    {"AnchorWithAnId", "<a id=\"here\"></a>[a](#here)\n"},
    {"AnchorOfAnotherPage", "[a](../exercises/01_first/README.md#first)\n"},
    {"AnchorOfNoOtherPage", "[a](../README.md#first)\n",
     "1: link to '../README.md#first': README.md has no such anchor"},
};

const Sample kExcerpts[] = {
    {"WholeExcerpt", "<!-- from ../step1_job/job.h -->\n```cpp\nstruct Job {\n  int id;\n```\n"},
    {"ExcerptWithLinesLeftOut",
     "<!-- from ../step1_job/job.h -->\n```cpp\nstruct Job {\n  // ...\n  int payload;\n};\n```\n"},
    {"ExcerptThatSkipsALine",
     "<!-- from ../step1_job/job.h -->\n```cpp\nstruct Job {\n  int payload;\n```\n",
     "4: step1_job/job.h does not have here:   int payload;"},
    {"ExcerptWithOtherIndentation", "<!-- from ../step1_job/job.h -->\n```cpp\nint id;\n```\n",
     "3: step1_job/job.h does not have here: int id;"},
    {"ExcerptInAnotherOrder",
     "<!-- from ../step1_job/job.h -->\n```cpp\n  int payload;\n// ...\n  int id;\n```\n",
     "5: step1_job/job.h does not have here:   int id;"},
    {"ExcerptThatRepeatsALine",
     "<!-- from ../step1_job/job.h -->\n```cpp\n  int id;\n// ...\n  int id;\n```\n",
     "5: step1_job/job.h does not have here:   int id;"},
    {"ExcerptBeyondTheEnd", "<!-- from ../step1_job/job.h -->\n```cpp\n};\n\n```\n",
     "4: step1_job/job.h does not have here: "},
    {"ExcerptWithMoreThanDots", "<!-- from ../step1_job/job.h -->\n```cpp\nint a;  // ...\n```\n",
     "3: step1_job/job.h does not have here: int a;  // ..."},
    {"ExcerptFromAnIgnoredFolder", "<!-- from ../benchmarks/a.h -->\n```cpp\nint a;\n```\n"},
    {"ExcerptFromNoFile", "<!-- from job.h -->\n```cpp\nstruct Job {\n```\n",
     "1: link to 'job.h': there is no docs/job.h"},
    {"ExcerptWithoutALine", "\n<!-- from ../step1_job/job.h -->\n```cpp\n\n  // ...\n```\n",
     "3: an excerpt without a line"},
    {"MarkedOutput", "<!-- from ../README.md -->\n```text\nStep 1\n```\n",
     "3: README.md does not have here: Step 1"},
    {"OutputWithoutAMark", "```text\nStep 1\n```\n"},
    {"CppWithoutAMark", "\n```cpp\nint id;\n```\n", "2: code that is from no file"},
    {"CppAsPlusesWithoutAMark", "```c++\n```\n", "1: code that is from no file"},
    {"CppInCapitalsWithoutAMark", "``` C++ x\n```\n", "1: code that is from no file"},
    {"CxxWithoutAMark", "```cxx\n```\n", "1: code that is from no file"},
    {"CcWithoutAMark", "```cc\n```\n", "1: code that is from no file"},
    {"HWithoutAMark", "```h\n```\n", "1: code that is from no file"},
    {"HppWithoutAMark", "```hpp\n```\n", "1: code that is from no file"},
    {"GoWithoutAMark", "a\n```go\nid := 1\n```\n", "2: code that is from no file"},
    {"GoInCapitalsWithoutAMark", "```Go\n```\n", "1: code that is from no file"},
    {"GolangWithoutAMark", "```golang\n```\n", "1: code that is from no file"},
    {"OtherLanguagesWithoutAMark", "```html\n```\n```cmake\n```\n```\n```\n"},
    {"MarkWithoutABlock", "<!-- from ../step1_job/job.h -->\n\n```sh\nls\n```\n",
     "1: nothing is from ../step1_job/job.h"},
};

const Sample kTargets[] = {
    {"Targets",
     "`//... //step1_job/... //step1_job:demo //step1_job:fast_job_test "
     "//exercises/01_first:test //exercises/NN_name:test`\n"},
    {"NoTargetOfThatName", "`x\n//step1_job:dema`\n", "2: there is no target //step1_job:dema"},
    {"NoTargetInABlock", "```sh\nrun --x=//step1_job:dema@1\n```\n",
     "2: there is no target //step1_job:dema"},
    {"NoTargetNamedLikeItsFolder", "`//step1_job`\n", "1: there is no target //step1_job"},
    {"NoTargetInTheRoot", "`//:demo`\n", "1: there is no target //:demo"},
    {"NoTargetWithoutThePrefix", "`//step1_job:job_test`\n",
     "1: there is no target //step1_job:job_test"},
    {"NoTargetWithAnotherPrefix", "`//step1_job:slow_job_test`\n",
     "1: there is no target //step1_job:slow_job_test"},
    {"NoTargetThatIsNotInTheList", "`//step1_job:fast_demo`\n",
     "1: there is no target //step1_job:fast_demo"},
    {"NoFolderBelow", "`//nowhere/...`\n", "1: there is no target //nowhere/..."},
    {"NoPackageBelow", "`//docs/...`\n", "1: there is no target //docs/..."},
    {"NoTargetOfTheMacro", "`//exercises/01_first:tests`\n",
     "1: there is no target //exercises/01_first:tests"},
    {"NoTargetNamedLikeTheExercise", "`//exercises/01_first`\n",
     "1: there is no target //exercises/01_first"},
    {"NoTargetButOfNnName", "`//exercises/NN_name:tests`\n",
     "1: there is no target //exercises/NN_name:tests"},
    {"NotATarget", "//no `https://a.b/c @x//y:z // no` \n```text\nx();  // ... no\n```\n"},
};

const auto kName = [](const auto& info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(Links, OnePage, testing::ValuesIn(kLinks), kName);
INSTANTIATE_TEST_SUITE_P(Excerpts, OnePage, testing::ValuesIn(kExcerpts), kName);
INSTANTIATE_TEST_SUITE_P(Targets, OnePage, testing::ValuesIn(kTargets), kName);

// --- Several files -------------------------------------------------------------------------------

TEST_F(Documents, OfAnIgnoredFolderAreCheckedWhereTheyAre) {
  write("benchmarks/README.md", "# Other results\n");
  EXPECT_THAT(found(), only("README.md:1: link to 'benchmarks/README.md#results': "
                            "benchmarks/README.md has no such anchor"));
}

TEST_F(Documents, OfAnotherModuleMayMeanItsTargets) {
  write("benchmarks/MODULE.bazel", "");
  write("benchmarks/BUILD", "cc_binary(name = \"fast\")\n");
  write("benchmarks/README.md", "# Results\n`//:fast //step1_job:demo //:slow`\n");
  EXPECT_THAT(found(), only("benchmarks/README.md:2: there is no target //:slow"));
}

TEST_F(Documents, HaveCardsWithoutAGap) {
  write("docs/review_cards.md",
        kFirstRow + kSecondRow + card(kSecondCard, "no exercise") + card(kFirstCard));
  write("step1_job/job.h", "// " + kFirstCard + ", " + kSecondCard);
  EXPECT_THAT(found(),
              ElementsAre(StartsWith("docs/review_cards.md:5: ### " + kSecondCard + ": out of"),
                          StartsWith("docs/review_cards.md:15: ### " + kFirstCard + ": out of")));
}

TEST_F(Documents, HaveCardsOnTheThirdLevel) {
  write_card_with("###", "####");
  EXPECT_THAT(found(), only("docs/review_cards.md:3: #### " + kFirstCard + ": out of order"));
}

TEST_F(Documents, HaveCardsWithOrWithoutAnExercise) {
  write("docs/review_cards.md", kFirstRow + kSecondRow + card(kFirstCard) +
                                    card(kSecondCard, "no exercise") +
                                    "# End\n\n[x](../README.md)");
  write("step1_job/job.h", "// " + kFirstCard + ", " + kSecondCard);
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(Documents, HaveCardsThatAllTheirCodeKnows) {
  write("step1_job/other.cc", "");
  write_card_with("), *ex", ") [other](../step1_job/other.cc), *ex");
  EXPECT_THAT(found(),
              only("docs/review_cards.md:3: " + kFirstCard + " is not in step1_job/other.cc"));
}

TEST_F(Documents, MayHaveCardsThatLinkOtherPlacesToo) {
  write("exercises/01_first/job.h", "");
  write_card_with("[code]",
                  "[wrong](../exercises/01_first/job.h) [library](https://example.com/job.h) "
                  "[speed](../benchmarks/a.cc) [code]");
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(Documents, HaveEachCardInTheTable) {
  write_card_with(kFirstRow, "\n");
  EXPECT_THAT(found(), only("docs/review_cards.md:2: " + kFirstCard + " has no row in the table"));
}

TEST_F(Documents, HaveTheExerciseOfEachCardInTheTable) {
  for (const std::string cell :
       {"none", "01", "[01](../exercises/README.md)", "[01](../exercises/02_second/README.md)"}) {
    write("exercises/02_second/README.md", "");
    write_card_with(kExercise, cell);
    EXPECT_THAT(found(), Contains(StartsWith("docs/review_cards.md:3: " + kFirstCard +
                                             " has another exercise in the table")))
        << cell;
  }
}

// A part of a card, and what is found when it is something else.
struct Part {
  std::string name, part, other, finding;
};

void PrintTo(const Part& part, std::ostream* out) { *out << part.part; }

class OneCard : public Documents, public testing::WithParamInterface<Part> {};

TEST_P(OneCard, HasAllItsParts) {
  write_card_with(GetParam().part, GetParam().other);
  EXPECT_THAT(found(), Contains(HasSubstr(": " + kFirstCard + GetParam().finding + " (allowed: ")));
}

const Part kParts[] = {
    {"Code", "[code](../step1_job/job.h)", "[x](../README.md)", " links no code"},
    {"Diff", "```diff", "```sh", " has no smell"},
    {"DiffBelowItsHeading", "### " + kFirstCard + "\n\n```diff\n+a\n```",
     "```diff\n+a\n```\n### " + kFirstCard, " has no smell"},
    {"DiffOfItsOwn", "```diff\n+a\n```", "# End\n\n```diff\n```", " has no smell"},
    {"Comment", "> No", "No > No", " has no comment to paste"},
    {"Source", "*source*", "source", " has no source"},
    {"Exercise", ", *exercise*: " + kExercise, "", " has no exercise"},
    {"ExerciseAsExercise", "*exercise*", "exercise", " has no exercise"},
    {"ExerciseInItsFolder", "*exercise*: " + kExercise, "*exercise*: [01](../exercises/README.md)",
     " has no exercise"},
    {"NoExerciseInThoseWords", "*exercise*: " + kExercise, "*exercise*: none", " has no exercise"},
};

INSTANTIATE_TEST_SUITE_P(Cards, OneCard, testing::ValuesIn(kParts), kName);

TEST_F(Documents, HaveACardForEachMark) {
  for (const std::string name : {"job.cc", "other.h", "job.md", "job.go", "job.py"}) {
    const std::string file = "step1_job/" + name;
    write(file, "\n" + kMark + "NN " + kSecondCard + "\n");
    EXPECT_THAT(found(), only(file + ":2: there is no card " + kSecondCard));
    fs::remove(root_ / file);
  }
}

TEST_F(Documents, HaveCards) {
  fs::remove(root_ / "docs/review_cards.md");
  EXPECT_THAT(found(), Contains(StartsWith("docs/review_cards.md:1: there are no cards")));
}

TEST_F(Documents, HaveSolutionsThatLinkTheirCard) {
  const std::string solution = "exercises/01_first/solution/README.md";
  const std::string finding = solution + ":1: no card is linked that links 01_first";
  write(solution, "[cards](../../../docs/review_cards.md)\n");
  EXPECT_THAT(found(), only(finding));
  write(solution, "# " + kFirstCard + "\n[card](#wp-01)\n");
  EXPECT_THAT(found(), only(finding));
  write("docs/review_cards.md",
        kFirstRow + kSecondRow + card(kFirstCard) + card(kSecondCard, "no exercise"));
  write("step1_job/job.h", "// " + kFirstCard + ", " + kSecondCard);
  write(solution, "[card](../../../docs/review_cards.md#wp-02)\n");
  EXPECT_THAT(found(), only(finding));
}

TEST_F(Documents, HaveEachExerciseOnTheBoard) {
  write("exercises/BUILD", "_EXERCISES = []\n");
  EXPECT_THAT(found(), only("exercises/BUILD:1: 01_first is missing"));
}

TEST_F(Documents, HaveEachExerciseInTheTable) {
  write("exercises/README.md", "[01_first](01_first/README.md) [x](../step1_job/README.md)\n");
  EXPECT_THAT(found(), only("exercises/README.md:1: 01_first has no row in the table"));
}

TEST_F(Documents, HaveALessonForEachExercise) {
  write("exercises/README.md",
        "| [01_first](01_first/README.md) |\n\n[x](../step1_job/README.md)\n");
  EXPECT_THAT(found(), only("exercises/README.md:1: 01_first has no row in the table"));
}

TEST_F(Documents, HaveEachExerciseInItsLesson) {
  write("step1_job/README.md", "[the exercises](../exercises/README.md)\n");
  EXPECT_THAT(found(), only("step1_job/README.md:1: 01_first is not linked"));
}

TEST_F(Documents, HaveWhatMattersOnTheFrontPage) {
  write("full_pattern/README.md", "");
  write("README.md", "[x](benchmarks/README.md)\n");
  std::vector<testing::Matcher<std::string>> findings;
  for (const std::string file : {"docs/go_to_cpp.md", "docs/review_cards.md", "exercises/README.md",
                                 "full_pattern/README.md", "step1_job/README.md"}) {
    findings.push_back(StartsWith("README.md:1: " + file + " is not linked"));
  }
  EXPECT_THAT(found(), testing::ElementsAreArray(findings));
}

// --- The course ----------------------------------------------------------------------------------

// COURSE_ROOT is a work tree, which has what Bazel does not see. Without it, the working folder of
// a test has the files that BUILD names as its data.
TEST(TheCourse, SaysWhatIsSo) {
  const char* const work_tree = std::getenv("COURSE_ROOT");
  const fs::path root = work_tree == nullptr ? fs::current_path() : fs::path(work_tree);
  for (const char* const file :
       {"README.md", ".ci/run", "tools/check_exercises", "testing/gate.h"}) {
    ASSERT_TRUE(fs::exists(root / file)) << file << " is not in " << root;
  }
  for (const std::string& finding : check_documents(root)) ADD_FAILURE() << finding;
}

}  // namespace
}  // namespace worker_pool
