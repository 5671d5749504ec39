#include "exercises/learn/screen.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "exercises/learn/fake_clone.h"

namespace worker_pool {
namespace {

using Lines = std::vector<std::string>;

TEST(Screen, ProgressHasABarForEachStep) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  Progress progress(clone.path());
  progress.record_green(exercises[1], *content_hash(clone.file("03_third")));
  EXPECT_EQ(progress_lines(exercises, progress, 80),
            (Lines{"1 of 3 solved   2. Worker #-   3. Dispatcher -"}));
  EXPECT_EQ(progress_lines(exercises, progress, 30),
            (Lines{"1 of 3 solved   2. Worker #-", "3. Dispatcher -"}));
}

TEST(Screen, TheBoardShowsWhatIsNext) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  Progress progress(clone.path());
  progress.record_green(exercises[1], *content_hash(clone.file("03_third")));
  EXPECT_EQ(board_lines(exercises, progress, 2, 80),
            (Lines{"1 of 3 solved", "2. Worker #-", "  unsolved  01_first   the first bug",
                   "  solved    03_third   the third bug", "3. Dispatcher -",
                   "  next      02_second  the second bug"}));
  for (const std::string& line : board_lines(exercises, progress, 2, 30))
    EXPECT_LE(line.size(), 30U) << line;
}

TEST(Screen, OfAStoryTheHeadAndTheEndAreKept) {
  Lines story = {"RED", "FAILED A.B", "Schedule 1 breaks it", "  main  worker", "  ----  ------"};
  for (int i = 1; i <= 30; ++i) story.push_back("step " + std::to_string(i));
  const Lines fitted = fit(story, Outcome::kRed, 10, 80);
  EXPECT_EQ(fitted,
            (Lines{"RED", "FAILED A.B", "Schedule 1 breaks it", "  main  worker", "  ----  ------",
                   "  ... 26 more lines: press a", "step 27", "step 28", "step 29", "step 30"}));
}

TEST(Screen, OfErrorsTheFirstAreKept) {
  const Lines errors = {"DOES NOT COMPILE", "error 1", "error 2", "error 3", "error 4"};
  EXPECT_EQ(fit(errors, Outcome::kCompileError, 3, 80),
            (Lines{"DOES NOT COMPILE", "error 1", "  ... 3 more lines: press a"}));
  EXPECT_EQ(fit(errors, Outcome::kCompileError, 5, 80), errors);
}

TEST(Screen, ALongLineTakesMoreRowsAndColorsTakeNone) {
  EXPECT_EQ(rows_of({std::string(81, 'x'), "", std::string(80, 'x')}, 80), 4U);
  EXPECT_EQ(rows_of({paint(std::string(80, 'x'), Color::kRed, true)}, 80), 1U);
  EXPECT_EQ(paint("x", Color::kRed, false), "x");
}

TEST(Screen, TheVerdictNamesTheStage) {
  EXPECT_EQ(
      verdict_lines({.outcome = Outcome::kRed, .lines = {"FAILED"}, .stage = "2: worker"}, false),
      (Lines{"RED in stage: 2: worker", "FAILED"}));
}

TEST(Screen, TheLessonIsWrapped) {
  EXPECT_EQ(lesson_lines({.outcome = Outcome::kRed, .lesson = "one two three"}, 16),
            (Lines{"LESSON: one two", "three"}));
  EXPECT_TRUE(lesson_lines({.outcome = Outcome::kGreen}, 80).empty());
}

}  // namespace
}  // namespace worker_pool
