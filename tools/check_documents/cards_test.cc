#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
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

// --- Cards

TEST_F(Documents, HaveCardsWithoutAGap) {
  write("docs/review_cards.md", kFirstRow + kSecondRow + card(kSecondCard, "") + card(kFirstCard));
  write("step1_job/job.h", "// " + kFirstCard + ", " + kSecondCard);
  EXPECT_THAT(
      found(),
      ElementsAre(StartsWith("docs/review_cards.md:6: ### " + kSecondCard + ": a rule: out of"),
                  StartsWith("docs/review_cards.md:17: ### " + kFirstCard + ": a rule: out of")));
}

TEST_F(Documents, HaveCardsOnTheThirdLevel) {
  write_card_with("###", "####");
  EXPECT_THAT(found(),
              only("docs/review_cards.md:4: #### " + kFirstCard + ": a rule: out of order"));
}

TEST_F(Documents, HaveCardsWithOrWithoutAnExercise) {
  write("docs/review_cards.md", kFirstRow + kSecondRow + card(kFirstCard) + card(kSecondCard, "") +
                                    "# End\n\n[x](../README.md)");
  write("step1_job/job.h", "// " + kFirstCard + ", " + kSecondCard);
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(Documents, HaveCardsThatAllTheirCodeKnows) {
  write("step1_job/other.cc", "");
  write_card_with(", *ex", " [other](../step1_job/other.cc), *ex");
  EXPECT_THAT(found(),
              only("docs/review_cards.md:4: " + kFirstCard + " is not in step1_job/other.cc"));
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
  EXPECT_THAT(found(), only("docs/review_cards.md:3: " + kFirstCard + " has no row in the table"));
}

TEST_F(Documents, HaveTheExerciseOfEachCardInTheTable) {
  for (const std::string cell :
       {"", "01", "[01](../exercises/README.md)", "[01](../exercises/02_second/README.md)"}) {
    write("exercises/02_second/README.md", "");
    write_card_with(kExercise, cell);
    EXPECT_THAT(found(), Contains(StartsWith("docs/review_cards.md:4: " + kFirstCard +
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
    {"DiffBelowItsHeading", "### " + kFirstCard + ": a rule\n\n```diff\n+a\n```",
     "```diff\n+a\n```\n### " + kFirstCard + ": a rule", " has no smell"},
    {"DiffOfItsOwn", "```diff\n+a\n```", "# End\n\n```diff\n```", " has no smell"},
    {"Comment", "> No", "No > No", " has no comment to paste"},
    {"Source", "*source*", "source", " has no source"},
    {"Name", ": a rule", "", " has no name"},
    {"NameAfterAColon", ": a rule", " a rule", " a rule has no name"},
    {"Anchor", "<a id=\"wp-01\"></a>", "", " has no anchor"},
    {"AnchorOfItsId", "<a id=\"wp-01\"></a>", "<a id=\"wp-02\"></a>", " has no anchor"},
    {"ExerciseInItsFolder", kLinkOfExercise, ", *exercise*: [01](../exercises/README.md)",
     " links no exercise"},
    {"TheExerciseOfTheTable", kLinkOfExercise, "", " has another exercise in the table"},
};

const auto kName = [](const auto& info) { return info.param.name; };
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

// --- Exercises and the front page

TEST_F(Documents, HaveSolutionsThatLinkTheirCard) {
  const std::string solution = "exercises/01_first/solution/README.md";
  const std::string finding = solution + ":1: no card is linked that links 01_first";
  write(solution, "[cards](../../../docs/review_cards.md)\n");
  EXPECT_THAT(found(), only(finding));
  write(solution, "# " + kFirstCard + "\n[card](#wp-01)\n");
  EXPECT_THAT(found(), only(finding));
  write("docs/review_cards.md", kFirstRow + kSecondRow + card(kFirstCard) + card(kSecondCard, ""));
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
  write("step1_job/README.md", "[the exercises](../exercises/README.md)\n" + kBreak);
  EXPECT_THAT(found(), only("step1_job/README.md:1: 01_first is not linked"));
}

TEST_F(Documents, HaveTheExercisesInTheOrderOfTheirLesson) {
  write("exercises/BUILD", "_EXERCISES = [\n    \"01_first\",\n    \"02_second\",\n]\n");
  write("exercises/02_second/README.md", "# Second\n");
  write("exercises/02_second/solution/README.md", "[a](../../../docs/review_cards.md#wp-02)\n");
  const std::string second = "[02](../exercises/02_second/README.md)";
  write("docs/review_cards.md", kFirstRow + "| [" + kSecondCard + "](#wp-02) | a smell | " +
                                    second + " |\n\n" + card(kFirstCard) +
                                    card(kSecondCard, ", *exercise*: " + second));
  write("step1_job/job.h", "// " + kFirstCard + ", " + kSecondCard);
  write("step1_job/README.md", second + ", " + kLesson);
  const std::string first_row =
      "| [01_first](01_first/README.md) | [1](../step1_job/README.md) |\n";
  const std::string second_row =
      "| [02](02_second/README.md) | [1](../step1_job/README.md#break-it) |\n";
  write("exercises/README.md", second_row + first_row);
  EXPECT_THAT(found(), IsEmpty());
  write("exercises/README.md", first_row + second_row);
  EXPECT_THAT(found(),
              only("exercises/README.md:2: 02_second is below 01_first, but its lesson has "
                   "it first"));
}

TEST_F(Documents, HaveWhatMattersOnTheFrontPage) {
  write("full_pattern/README.md", kBreak);
  write("README.md", "[x](benchmarks/README.md)\n");
  std::vector<testing::Matcher<std::string>> findings;
  for (const std::string file : {"docs/go_to_cpp.md", "docs/review_cards.md", "exercises/README.md",
                                 "full_pattern/README.md", "step1_job/README.md"}) {
    findings.push_back(StartsWith("README.md:1: " + file + " is not linked"));
  }
  EXPECT_THAT(found(), testing::ElementsAreArray(findings));
}

}  // namespace
}  // namespace worker_pool
