// Runs tests of exercises as a learner does: what they print, and that they pass only if everything
// was decided. sabotage/ has their files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "testing/run_program.h"

namespace worker_pool {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Runs the program with these environment variables. Replaces the numbers of schedules in its
// output by N, and removes the line that says where data races are not checked.
ProgramResult run(const std::string& program, const std::string& environment = "") {
  ProgramResult result = run_program(environment + " ./exercises/harness/sabotage_" + program);
  std::string& out = result.out;
  for (std::size_t end = 0; (end = out.find(" schedules)", end)) != std::string::npos; end += 2) {
    const std::size_t begin = out.rfind('(', end) + 1;
    out.replace(begin, end - begin, "N");
    end = begin;
  }
  if (const std::size_t note = out.find("Not checked here: "); note != std::string::npos) {
    out.erase(note, out.find('\n', note) + 1 - note);
  }
  return result;
}

constexpr const char* kFirst = "Sabotage.DoesNotPassTheFirstTest";
constexpr const char* kLast = "Sabotage.DoesNotPassTheLastTest";
const std::string kFirstPassed = "ok " + std::string(kFirst) + " (N schedules)\n";

TEST(Exercise, SaysOneLineForEachTestThatPasses) {
  const ProgramResult it = run("ends");
  EXPECT_EQ(it.status, 0);
  EXPECT_EQ(it.out, kFirstPassed + "ok " + kLast + " (N schedules)\n2 of 2 tests passed\n");
  EXPECT_EQ(it.err, "");
}

TEST(Exercise, EndsAFailureWithTheLesson) {
  const ProgramResult it = run("ends", "SABOTAGE=bug2");
  EXPECT_EQ(it.status, 1);
  EXPECT_EQ(it.out,
            kFirstPassed + "FAILED " + kLast +
                " (exercises/harness/sabotage/test.cc:20)\n"
                "Schedule 1 breaks it (LAB_REPLAY=0):\n"
                "  the work failed\n"
                "The lesson is about the starter's bug. The bug above may be a different one.\n"
                "LESSON[42_sabotage]: this is what happened.\n");
  EXPECT_EQ(it.err, "");
}

TEST(Exercise, StopsAtTheFirstFailure) {
  const ProgramResult it = run("ends", "SABOTAGE=bug");
  EXPECT_EQ(it.status, 1);
  EXPECT_TRUE(it.out.starts_with("FAILED " + std::string(kFirst))) << it.out;
  EXPECT_EQ(it.out.find("a different one"), std::string::npos) << it.out;
  EXPECT_TRUE(it.out.ends_with("LESSON[42_sabotage]: this is what happened.\n")) << it.out;
}

TEST(Exercise, FailsIfATestThrows) {
  const ProgramResult it = run("ends", "SABOTAGE=throw");
  EXPECT_EQ(it.status, 1);
  EXPECT_EQ(it.out, "FAILED " + std::string(kFirst) +
                        " (exercises/harness/sabotage/test.cc:11)\n"
                        "It threw an exception: no such job\n");
}

// --- Crashes -------------------------------------------------------------------------------------

// Only the lab's hooks turn a crash into a verdict.
bool has_hooks() {
  const ProgramResult it = run_program("./exercises/harness/sabotage_crashes");
  return it.out.find("Not checked here: data races") == std::string::npos;
}

void expect_verdict(const std::string& crash, const std::string& verdict) {
  if (!has_hooks()) GTEST_SKIP() << "the lab has no hooks here";
  const ProgramResult it = run("crashes", "SABOTAGE=" + crash);
  EXPECT_EQ(it.status, 1);
  EXPECT_THAT(it.out, StartsWith("FAILED " + std::string(kFirst)));
  EXPECT_THAT(it.out, HasSubstr("\n  " + verdict));
  EXPECT_THAT(it.out, EndsWith("\nLESSON[42_sabotage]: this is what happened.\n")) << it.err;
}

TEST(Crash, OutOfRangeEndsWithTheLesson) { expect_verdict("out_of_range", "worker crashes ("); }

TEST(Crash, StackOverflowEndsWithTheLesson) {
  expect_verdict("recursion", "stack overflow in worker");
}

TEST(Crash, GlobalLabObjectIsExplained) {
  const ProgramResult it = run("crashes", "SABOTAGE=global");
  EXPECT_EQ(it.status, 1);
  EXPECT_THAT(it.err, HasSubstr("a lab type was used outside lab::explore()"));
}

// --- LAB_EXPORT ----------------------------------------------------------------------------------

// Nothing is decided, so the test does not pass.
TEST(Export, PrintsTheSchedulesOfTheFirstScenario) {
  const ProgramResult it = run("ends", "LAB_EXPORT=yes");
  EXPECT_EQ(it.status, 1);
  EXPECT_THAT(it.out, StartsWith("{\"code\":{\"file\":\"exercises/harness/sabotage/ends.h\""));
  EXPECT_THAT(it.out, HasSubstr("\"breaks\":\"\""));
  EXPECT_THAT(it.out, HasSubstr("\"tree\":{\"limits\":[2,1],\"schedules\":"));
  EXPECT_THAT(it.out, EndsWith("}}\n"));
  EXPECT_EQ(it.err, "");
}

// --- LAB_REPLAY ----------------------------------------------------------------------------------

TEST(Replay, RunsOneSchedule) {
  const ProgramResult it = run("ends", "LAB_REPLAY=0 SABOTAGE=bug");
  EXPECT_EQ(it.status, 1);
  EXPECT_EQ(it.out, "FAILED " + std::string(kFirst) +
                        " (exercises/harness/sabotage/test.cc:13)\n"
                        "The replayed schedule breaks it (LAB_REPLAY=0):\n"
                        "  main  waits for worker to exit\n"
                        "  the work failed\n"
                        "LESSON[42_sabotage]: this is what happened.\n");
}

const std::string kNothingDecided =
    "FAILED exercises/harness/sabotage/test.cc:11\n"
    "The schedule LAB_REPLAY=0 no longer breaks it.\n"
    "No other schedule was run, so nothing else is decided: run the test without LAB_REPLAY.\n";

TEST(Replay, ThatBreaksNothingDecidesNothing) {
  const ProgramResult it = run("ends", "LAB_REPLAY=0");
  EXPECT_EQ(it.status, 1);
  EXPECT_EQ(it.out, kNothingDecided);
}

TEST(Replay, SetByTheCodeDecidesNothing) {
  const ProgramResult it = run("ends", "SABOTAGE=replay");
  EXPECT_EQ(it.status, 1);
  EXPECT_EQ(it.out, kNothingDecided);
}

// --- Ends that look like success -----------------------------------------------------------------

#ifdef __linux__

// Runs sabotage that calls this function, with status 0 if it takes one.
void expect_noticed(const std::string& when, const std::string& function,
                    const std::string& output) {
  const ProgramResult it = run("ends", "SABOTAGE='" + when + " " + function + "'");
  EXPECT_EQ(it.status, 1);
  const std::string call = function == "daemon" ? "daemon()" : function + "(0)";
  EXPECT_EQ(it.out, output + "\nIt called " + call + " before all tests were decided.\n");
}

class End : public testing::TestWithParam<const char*> {};

TEST_P(End, BeforeTheTestsFails) {
  expect_noticed("start", GetParam(), "FAILED the code before the first test");
}

TEST_P(End, InATestFails) {
  expect_noticed("test", GetParam(), "FAILED " + std::string(kFirst));
  expect_noticed("test2", GetParam(), kFirstPassed + "FAILED " + kLast);
}

INSTANTIATE_TEST_SUITE_P(, End, testing::Values("exit", "_exit", "_Exit", "quick_exit", "daemon"));

TEST(Exercise, FailsIfAStatusIsZeroForItsParent) {
  const ProgramResult it = run("ends", "SABOTAGE='test 256'");
  EXPECT_EQ(it.status, 1);
  EXPECT_EQ(it.out, "FAILED " + std::string(kFirst) +
                        "\nIt called _exit(256) before all tests were decided.\n");
}

TEST(Exercise, ExplainsAnEndWithAnotherStatus) {
  const ProgramResult it = run("ends", "SABOTAGE=handler");
  EXPECT_EQ(it.status, 1);
  EXPECT_EQ(it.out, "FAILED " + std::string(kFirst) +
                        "\nIt ended the program before all tests were decided.\n");
}

TEST(Exercise, FailsIfAHandlerEndsIt) {
  expect_noticed("handler", "_exit", "FAILED " + std::string(kFirst));
  expect_noticed("handler", "_Exit", "FAILED " + std::string(kFirst));
}

TEST(Exercise, FailsIfItsFileWouldStartAnotherProgram) {
  const ProgramResult it = run("program");
  EXPECT_EQ(it.status, 1);
  EXPECT_EQ(it.out,
            "FAILED exercises/harness/sabotage/program.h:8\n"
            "\"execl\" could replace a part of the test. Please remove it from this file.\n");
}

#endif

TEST(Exercise, HasItsOwnMain) {
  const ProgramResult it = run("own_main");
  EXPECT_EQ(it.status, 1);
  EXPECT_TRUE(it.out.ends_with("LESSON[42_sabotage]: this is what happened.\n")) << it.out;
}

// --- Tests that were not decided -----------------------------------------------------------------

TEST(Exercise, FailsIfItsFileHasAMacro) {
  const ProgramResult it = run("macro");
  EXPECT_EQ(it.status, 1);
  EXPECT_EQ(it.out,
            "FAILED exercises/harness/sabotage/macro.h:4\n"
            "\"#undef\" could replace a part of the test. Please remove it from this file.\n");
}

TEST(Exercise, FailsIfItsFileCallsTheHarness) {
  const ProgramResult it = run("harness");
  EXPECT_EQ(it.status, 1);
  EXPECT_EQ(
      it.out,
      "FAILED exercises/harness/sabotage/harness.h:8\n\"allow_successful_exit\" could replace "
      "a part of the test. Please remove it from this file.\n");
}

TEST(Exercise, FailsIfAScenarioWasNotExplored) {
  const ProgramResult it = run("no_jobs");
  EXPECT_EQ(it.status, 1);
  EXPECT_EQ(it.out,
            "ok Sabotage.LeavesOutAScenario (N schedules)\n"
            "FAILED exercises/harness/sabotage/undecided_test.cc:14\n"
            "This scenario was not explored.\n");
}

TEST(Exercise, FailsIfItCannotReadItsFiles) {
  const ProgramResult it =
      run_program("cd ./exercises && unset RUNFILES_MANIFEST_FILE && ./harness/sabotage_ends");
  EXPECT_EQ(it.status, 1);
  EXPECT_EQ(it.out,
            "FAILED exercises/harness/sabotage/ends.h:1\nThe test cannot read this file.\n");
}

TEST(Exercise, FindsItsFilesInBazelsManifest) {
  const std::string folder = "\"$PWD\"/exercises/harness/sabotage/";
  const ProgramResult it = run_program(
      "manifest=\"$TEST_TMPDIR/manifest\" && "
      "for file in test.cc ends.h; do "
      "  echo _main/exercises/harness/sabotage/$file " +
      folder +
      "$file; "
      "done >\"$manifest\" && "
      "cd ./exercises && RUNFILES_MANIFEST_FILE=\"$manifest\" ./harness/sabotage_ends");
  EXPECT_EQ(it.status, 0) << it.out << it.err;
}

}  // namespace
}  // namespace worker_pool
