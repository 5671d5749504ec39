#include "exercises/learn/exercise_list.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "exercises/learn/fake_clone.h"

namespace worker_pool {
namespace {

TEST(ExerciseList, ReadsTheTableByStep) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  ASSERT_EQ(exercises.size(), 3U);
  EXPECT_EQ(exercises[0].name, "01_first");
  EXPECT_EQ(exercises[0].step, "2. Worker");
  EXPECT_EQ(exercises[0].bug, "the first bug");
  EXPECT_EQ(exercises[0].file, "exercises/01_first/code.h");
  EXPECT_EQ(exercises[0].target(), "//exercises/01_first:test");
  EXPECT_EQ(exercises[1].name, "03_third");
  EXPECT_EQ(exercises[2].name, "02_second");
}

TEST(ExerciseList, KeepsTheOrderOfTheTableWhateverTheNumbersAre) {
  const FakeClone clone;
  clone.write_table({{"03_third", "[2. Worker](../step2/README.md#sitting-1), sitting 1"},
                     {"02_second", "[2. Worker](../step2/README.md#sitting-1), sitting 1"},
                     {"01_first", "[2. Worker](../step2/README.md#sitting-2), sitting 2"}});
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  ASSERT_EQ(exercises.size(), 3U);
  EXPECT_EQ(exercises[0].name, "03_third");
  EXPECT_EQ(exercises[1].name, "02_second");
  EXPECT_EQ(exercises[2].name, "01_first");
  EXPECT_EQ(exercises[2].step, "2. Worker") << "the sittings of a step are one step on the board";
}

TEST(ExerciseList, AStepNeedsNoLink) {
  const FakeClone clone;
  clone.write_table({{"01_first", "Full pattern"}});
  EXPECT_EQ(read_exercises(clone.path()).at(0).step, "Full pattern");
}

TEST(ExerciseList, NamesWhatIsMissing) {
  const FakeClone clone;
  clone.write("exercises/02_second/BUILD", "exercise()");
  try {
    read_exercises(clone.path());
    ADD_FAILURE() << "a BUILD file without `file` was accepted";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "exercises/02_second/BUILD names no `file = \"...\"` to fix");
  }
  clone.write("exercises/README.md", "no table");
  EXPECT_THROW(read_exercises(clone.path()), std::runtime_error);
}

TEST(ExerciseList, FindsByNumberAndByTheBeginningOfTheName) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  for (const char* text : {"3", "03", "03_", "03_third", "third", "thi", "exercises/03_third",
                           "exercises/03_third/"}) {
    const auto found = find_exercise(exercises, text);
    ASSERT_TRUE(found) << text << ": " << found.error();
    EXPECT_EQ(exercises[*found].name, "03_third") << text;
  }
}

TEST(ExerciseList, SaysInOneLineWhatIsAllowed) {
  const FakeClone clone;
  const std::vector<Exercise> exercises = read_exercises(clone.path());
  EXPECT_EQ(find_exercise(exercises, "77").error(),
            "no exercise is named \"77\"; allowed are list, verify, help, and a number or the "
            "beginning of a name, such as 01 or 01_first");
  EXPECT_FALSE(find_exercise(exercises, ""));
  EXPECT_FALSE(find_exercise(exercises, "0"));
}

TEST(ExerciseList, ANumberIsNotABeginningButANameMayBeOneOfMany) {
  const std::vector<Exercise> exercises = {
      {.name = "01_late_add", .step = "", .bug = "", .file = {}},
      {.name = "10_late_stop", .step = "", .bug = "", .file = {}}};
  EXPECT_EQ(find_exercise(exercises, "1"), 0U);
  EXPECT_EQ(find_exercise(exercises, "late_s"), 1U);
  EXPECT_EQ(find_exercise(exercises, "late").error(),
            "\"late\" means more than one exercise: 01_late_add, 10_late_stop");
}

}  // namespace
}  // namespace worker_pool
