#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "tools/check_documents/small_course.h"

namespace worker_pool {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

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
     "//exercises/01_first:test //exercises/01_first:own //exercises/NN_name:test`\n"},
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
const Sample kPhrases[] = {
    {"RefusedWord", "a\nWug it.\n", "2: 'wug'"},
    {"RefusedWordAcrossLines", "it is a wee\ndax\n", "1: 'wee dax'"},
    {"RefusedWordAcrossLinesOfAQuote", "> it is a wee\n> dax\n", "1: 'wee dax'"},
    {"RefusedWordAcrossLinesOfAList", "- it is a wee\n  dax\n", "1: 'wee dax'"},
    {"PartOfAWord", "awug, wugs, wug_it, wee daxes\n"},
    {"CommentInTheListOfWords", "wee\n"},
};

INSTANTIATE_TEST_SUITE_P(Phrases, OnePage, testing::ValuesIn(kPhrases), kName);
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

TEST_F(Documents, HaveNoRefusedWordInCodeAndScripts) {
  for (const std::string name :
       {"other.cc", "other.h", "other.py", "other.yml", "defs.bzl", "run"}) {
    const std::string file = "step2/" + name;
    write(file, "\n// This is a wee\n//  dax.\n");
    EXPECT_THAT(found(), only(file + ":2: 'wee dax'"));
    fs::remove(root_ / file);
  }
}

TEST_F(Documents, HaveAListOfRefusedWords) {
  write("tools/check_documents/words.txt", "# wug -> fix\n");
  EXPECT_THAT(found(), only("tools/check_documents/words.txt:1: there are no words"));
}

TEST_F(Documents, HaveFilesOfFourHundredLines) {
  std::string lines;
  for (int i = 0; i < 400; ++i) lines += "//\n";
  write("step1_job/long.h", lines);
  EXPECT_THAT(found(), IsEmpty());
  write("step1_job/long.h", lines + "//\n");
  EXPECT_THAT(found(), only("step1_job/long.h:401: the file has 401 lines"));
}

TEST_F(Documents, HaveLessonsThatBreakSomething) {
  write("step1_job/README.md", "[01_first](../exercises/01_first/README.md)\n");
  EXPECT_THAT(found(), only("step1_job/README.md:1: the lesson breaks nothing"));
  write("step1_job/README.md", "[01_first](../exercises/01_first/README.md)\n## Break it\n");
  EXPECT_THAT(found(), only("step1_job/README.md:1: the lesson breaks nothing"));
  write("step1_job/README.md",
        kLesson.substr(0, kLesson.find('#')) + "## Break\n" + kLesson.substr(kLesson.find("<!--")));
  EXPECT_THAT(found(), only("step1_job/README.md:1: the lesson breaks nothing"));
}

TEST_F(Documents, HaveBreaksOfLinesThatTheFileHasOnce) {
  const auto breaks = [&](const std::string& file, const std::string& diff) {
    write("step1_job/README.md", "[01_first](../exercises/01_first/README.md)\n## Break it\n" +
                                     std::string("<!-- break ") + file + " -->\n```diff\n" + diff +
                                     "\n```\n");
  };
  const std::string page = "step1_job/README.md:";
  breaks("job.h", "-  int id;");
  EXPECT_THAT(found(), only(page + "3: there is no job.h"));
  breaks("step1_job/job.h", "+  int id;");
  EXPECT_THAT(found(), only(page + "4: the change removes nothing"));
  breaks("step1_job/job.h", "-  int no;");
  EXPECT_THAT(found(), only(page + "4: the removed lines occur 0 times in step1_job/job.h"));
  breaks("step1_job/job.h", "-  int id;\n-};");
  EXPECT_THAT(found(), only(page + "4: the removed lines occur 0 times in step1_job/job.h"));
  write("step1_job/job.h", "// " + kFirstCard + "\n  int id;\n  int id;\n");
  breaks("step1_job/job.h", "-  int id;");
  EXPECT_THAT(found(), only(page + "4: the removed lines occur 2 times in step1_job/job.h"));
}

}  // namespace
}  // namespace worker_pool
