#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "exercises/learn/fake_clone.h"
#include "testing/child_process.h"
#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

ProgramResult learn(const FakeClone& clone, const std::string& arguments) {
  return run_program("cd '" + clone.path() + "' && ./learn " + arguments + " </dev/null");
}

TEST(LearnCommands, ListShowsTheBoard) {
  const FakeClone clone;
  const ProgramResult run = learn(clone, "list");
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out,
            "0 of 3 solved\n2. Worker --\n  next      01_first   the first bug\n"
            "  unsolved  03_third   the third bug\n3. Dispatcher -\n"
            "  unsolved  02_second  the second bug\n");
}

TEST(LearnCommands, VerifyPrintsALineForEachAndSucceedsOnlyIfAllAreGreen) {
  const FakeClone clone;
  clone.save("01_first", "GREEN");
  clone.save("02_second", "BROKEN");
  ProgramResult run = learn(clone, "verify");
  EXPECT_EQ(run.status, 1) << run.err;
  EXPECT_EQ(
      run.out,
      "01_first   green\n"
      "03_third   red  First.Test (exercises/03_third/test.cc:25)\n"
      "02_second  does not compile  exercises/02_second/code.h:7:3: error: the first error\n");
  clone.save("02_second", "GREEN");
  clone.save("03_third", "GREEN");
  run = learn(clone, "verify");
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out, "01_first   green\n03_third   green\n02_second  green\n");
}

// Not through ./learn: a shell does not pass an ignored SIGCHLD on.
TEST(LearnCommands, ARedTestIsRedAlsoIfTheParentIgnoresSigchld) {
  const Watchdog watchdog;
  const FakeClone clone;
  clone.save("01_first", "BLOCK");
  setenv("BUILD_WORKSPACE_DIRECTORY", clone.path().c_str(), 1);
  void (*const before)(int) = signal(SIGCHLD, SIG_IGN);
  ChildProcess child(watchdog,
                     {std::filesystem::absolute("exercises/learn/learn"), "verify", "01"});
  std::ofstream gate(clone.gate());  // blocks until the test is running
  signal(SIGCHLD, before);
  gate << std::endl;
  EXPECT_EQ(child.wait(), 1);
  EXPECT_EQ(child.output(), "01_first  red  First.Test (exercises/01_first/test.cc:25)\n");
  unsetenv("BUILD_WORKSPACE_DIRECTORY");
}

TEST(LearnCommands, VerifyTakesNames) {
  const FakeClone clone;
  clone.save("02_second", "GREEN");
  ProgramResult run = learn(clone, "verify 2");
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out, "02_second  green\n");
  clone.save("01_first", "BAZEL");
  run = learn(clone, "verify 02 first");
  EXPECT_EQ(run.status, 1) << run.err;
  EXPECT_EQ(run.out, "02_second  green\n01_first   no verdict  ERROR: no such package\n");
}

TEST(LearnCommands, WhatVerifyFoundGreenIsSolvedUntilTheFileChanges) {
  const FakeClone clone;
  clone.save("01_first", "GREEN");
  learn(clone, "verify 01");
  EXPECT_EQ(lines_of(learn(clone, "list").out).at(2), "  solved    01_first   the first bug");
  clone.save("01_first", "GREEN, but changed");
  EXPECT_EQ(lines_of(learn(clone, "list").out).at(2), "  next      01_first   the first bug");
}

TEST(LearnCommands, WithoutATerminalItPrintsTheStateAndEnds) {
  const FakeClone clone;
  ProgramResult run = learn(clone, "");
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out,
            "0 of 3 solved   2. Worker --   3. Dispatcher -\n"
            "Next: 01_first, edit exercises/01_first/code.h\n"
            "Keys and screen need a terminal, so this is all. To run the test once: "
            "./learn verify 01_first\n");
  run = learn(clone, "03");
  EXPECT_TRUE(run.out.contains("Next: 03_third, edit")) << run.out;
}

TEST(LearnCommands, SaysThatEverythingIsSolved) {
  const FakeClone clone;
  for (const char* name : {"01_first", "02_second", "03_third"}) clone.save(name, "GREEN");
  learn(clone, "verify");
  EXPECT_EQ(learn(clone, "").out,
            "All 3 exercises are solved. ./learn list shows them, ./learn 01 opens the first.\n");
}

TEST(LearnCommands, AWrongArgumentIsOneLineOnTheErrorStream) {
  const FakeClone clone;
  ProgramResult run = learn(clone, "77");
  EXPECT_EQ(run.status, 2);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(lines_of(run.err).back(),
            "learn: no exercise is named \"77\"; allowed are list, verify, help, and a number or "
            "the beginning of a name, such as 01 or 01_first");
  run = learn(clone, "verify 01 nothing");
  EXPECT_EQ(run.status, 2);
  EXPECT_EQ(run.out, "") << "nothing runs before all names are known";
  run = learn(clone, "list 01");
  EXPECT_EQ(run.status, 2);
  EXPECT_TRUE(lines_of(run.err).back().starts_with("learn: \"01\" is one argument too many; only "))
      << run.err;
}

TEST(LearnCommands, HelpNamesEveryCommand) {
  const FakeClone clone;
  for (const char* argument : {"help", "--help"}) {
    const ProgramResult run = learn(clone, argument);
    EXPECT_EQ(run.status, 0);
    for (const char* command : {"./learn 07 ", "./learn list", "./learn verify", "./learn help"})
      EXPECT_TRUE(run.out.contains(command)) << command;
  }
}

}  // namespace
}  // namespace worker_pool
