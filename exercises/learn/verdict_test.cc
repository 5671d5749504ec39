#include "exercises/learn/verdict.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace worker_pool {
namespace {

using Lines = std::vector<std::string>;

const std::string kBegin =
    "INFO: Found 1 test target...\n"
    "==================== Test output for //exercises/03_lost_stop:test:\n";
const std::string kEnd = std::string(80, '=') + "\n//exercises/03_lost_stop:test FAILED in 0.3s\n";

TEST(Verdict, RedIsTheStoryAndTheLesson) {
  const Verdict verdict =
      verdict_of(3, "FAIL: //exercises/03_lost_stop:test (see test.log)\n" + kBegin +
                        "ok LostStop.First (3 schedules)\n"
                        "FAILED LostStop.Second (a/test.cc:25)\n"
                        "Schedule 18 breaks it (LAB_REPLAY=0.1):\n"
                        "  main  stops\n"
                        "LESSON[03_lost_stop]: the worker sleeps forever.\n" +
                        kEnd);
  EXPECT_EQ(verdict.outcome, Outcome::kRed);
  EXPECT_EQ(verdict.lines, (Lines{"FAILED LostStop.Second (a/test.cc:25)",
                                  "Schedule 18 breaks it (LAB_REPLAY=0.1):", "  main  stops"}));
  EXPECT_EQ(verdict.lesson, "the worker sleeps forever.");
}

TEST(Verdict, ATestThatCrashesOrHangsShowsWhatItPrinted) {
  EXPECT_EQ(verdict_of(3, kBegin + "a loop that never ends\n" + kEnd).lines,
            (Lines{"a loop that never ends"}));
  EXPECT_EQ(verdict_of(3, "TIMEOUT: //exercises/03_lost_stop:test\n" + kBegin + kEnd).lines,
            (Lines{"The test did not finish within its time limit."}));
  EXPECT_EQ(verdict_of(3, kBegin + kEnd).lines, (Lines{"The test ended without a message."}));
}

TEST(Verdict, GreenSaysHowManyTestsPassed) {
  const Verdict verdict = verdict_of(0, kBegin +
                                            "ok LostStop.First (3 schedules)\n1 of 1 tests passed\n"
                                            "Not checked here: data races.\n" +
                                            kEnd);
  EXPECT_EQ(verdict.outcome, Outcome::kGreen);
  EXPECT_EQ(verdict.lines, (Lines{"1 of 1 tests passed", "Not checked here: data races."}));
}

TEST(Verdict, IsGreenOnlyIfTheTestSaysThatAllPassed) {
  const std::string why = "The program ended before all tests were decided.";
  const auto verdict_on = [](const std::string& line) {
    return verdict_of(0, kBegin + line + kEnd);
  };
  EXPECT_EQ(verdict_on("12 of 12 tests passed\n").outcome, Outcome::kGreen);
  EXPECT_EQ(verdict_on("ok LostStop.First (3 schedules)\n").outcome, Outcome::kRed);
  EXPECT_EQ(verdict_on("").lines, (Lines{why}));
  EXPECT_EQ(verdict_on("my own line\n").lines, (Lines{"my own line", why}));
  EXPECT_EQ(verdict_on("1 of 2 tests passed\n").outcome, Outcome::kRed);
  EXPECT_EQ(verdict_on(" of  tests passed\n").outcome, Outcome::kRed);
  EXPECT_EQ(verdict_of(0, "INFO: nothing was tested\n").outcome, Outcome::kRed);
}

TEST(Verdict, NamesTheLastStageThatBegan) {
  const Verdict verdict = verdict_of(
      3, kBegin + "STAGE 1: channel\nok A.B (1 schedule)\nSTAGE 2: worker\nFAILED A.C\n" + kEnd);
  EXPECT_EQ(verdict.stage, "2: worker");
  EXPECT_EQ(verdict.lines, (Lines{"FAILED A.C"}));
}

TEST(Verdict, CompileErrorsBeginWithTheFirstError) {
  const Verdict verdict =
      verdict_of(1,
                 "ERROR: /c/exercises/03/BUILD:3:9: Compiling test.cc failed: error executing\n\n"
                 "Use --sandbox_debug to see verbose messages\n"
                 "In file included from exercises/03/test.cc:9:\n"
                 "./exercises/03/worker.h: In function 'main':\n"
                 "./exercises/03/worker.h:7:3: error: 'x' was not declared\n"
                 "    7 |   x: error: y\n"
                 "                 from ./exercises/03/test.cc:9:\n"
                 "INFO: Elapsed time: 6 s\n"
                 "ERROR: Build did NOT complete successfully\n"
                 "//exercises/03:test FAILED TO BUILD\n");
  EXPECT_EQ(verdict.outcome, Outcome::kCompileError);
  EXPECT_EQ(verdict.lines,
            (Lines{"exercises/03/worker.h:7:3: error: 'x' was not declared",
                   "    7 |   x: error: y", "                 from exercises/03/test.cc:9:"}));
}

TEST(Verdict, ALinkerErrorIsACompileError) {
  const Verdict verdict = verdict_of(
      1, "ERROR: linking failed\n/usr/bin/ld: test.o: undefined reference to `f()'\ncollect2\n");
  EXPECT_EQ(verdict.outcome, Outcome::kCompileError);
  EXPECT_EQ(verdict.lines[0], "/usr/bin/ld: test.o: undefined reference to `f()'");
}

TEST(Verdict, WhatBazelCouldNotDoIsShownAsItIs) {
  for (const int status : {1, 2, 7, 8, 37, 143}) {
    const Verdict verdict = verdict_of(status, "INFO: x\nERROR: no such package\n");
    EXPECT_EQ(verdict.outcome, Outcome::kNone) << status;
    EXPECT_EQ(verdict.lines, (Lines{"ERROR: no such package",
                                    "Bazel ended with status " + std::to_string(status) + "."}));
  }
}

}  // namespace
}  // namespace worker_pool
