#include "full_pattern/console/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Flags : public ::testing::Test {
 protected:
  std::expected<CommandLine, std::string> parse(std::vector<const char*> args) {
    return parse_flags(args, flags_);
  }

  std::string error_of(std::vector<const char*> args) {
    const auto line = parse(std::move(args));
    return line ? "accepted" : line.error();
  }

  std::array<IntFlag, 2> numbers_ = {IntFlag{"workers", "threads", 1, 8, 3},
                                     IntFlag{"shift", "may be negative", -5, 5, 0}};
  std::array<TextFlag, 2> texts_ = {TextFlag{"trace", "write a trace to FILE"},
                                    TextFlag{"name", "call it NAME", "pool"}};
  std::array<SwitchFlag, 1> switches_ = {SwitchFlag{"timeline", "draw a timeline"}};
  const FlagSet flags_ = {.numbers = numbers_, .texts = texts_, .switches = switches_};
};

TEST_F(Flags, KeepTheirDefaultsWhenNothingIsGiven) {
  const auto line = parse({});
  ASSERT_TRUE(line) << line.error();
  EXPECT_FALSE(line->help);
  EXPECT_THAT(line->arguments, IsEmpty());
  EXPECT_EQ(numbers_[0].value, 3);
  EXPECT_EQ(texts_[0].value, "");
  EXPECT_EQ(texts_[1].value, "pool");
  EXPECT_FALSE(switches_[0].on);
}

TEST_F(Flags, TakeTheirValueAfterAnEqualsSignOrAsTheNextArgument) {
  const auto line = parse({"--workers=5", "--shift", "-2", "--trace=a=b", "--name", "-"});
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(numbers_[0].value, 5);
  EXPECT_EQ(numbers_[1].value, -2);
  EXPECT_EQ(texts_[0].value, "a=b") << "only the first equals sign ends the name";
  EXPECT_EQ(texts_[1].value, "-");
  EXPECT_THAT(line->arguments, IsEmpty());
}

TEST_F(Flags, SwitchTakesNothingFromTheNextArgument) {
  const auto line = parse({"--timeline", "a"});
  ASSERT_TRUE(line) << line.error();
  EXPECT_TRUE(switches_[0].on);
  EXPECT_THAT(line->arguments, ElementsAre("a"));
}

TEST_F(Flags, AcceptBothEndsOfTheirRange) {
  ASSERT_TRUE(parse({"--workers=1"}));
  EXPECT_EQ(numbers_[0].value, 1);
  ASSERT_TRUE(parse({"--workers=8"}));
  EXPECT_EQ(numbers_[0].value, 8);
}

TEST_F(Flags, LastOneCountsWhenRepeated) {
  ASSERT_TRUE(parse({"--workers=5", "--trace=a", "--workers=6", "--trace=b"}));
  EXPECT_EQ(numbers_[0].value, 6);
  EXPECT_EQ(texts_[0].value, "b");
}

TEST_F(Flags, OutOfRangeIsRefusedWithTheValueAndTheRange) {
  EXPECT_EQ(error_of({"--workers=0"}), "--workers=0: must be a whole number from 1 to 8");
  EXPECT_EQ(error_of({"--workers", "9"}), "--workers=9: must be a whole number from 1 to 8");
  EXPECT_EQ(error_of({"--workers=99999999999999999999"}),
            "--workers=99999999999999999999: must be a whole number from 1 to 8");
  EXPECT_EQ(numbers_[0].value, 3) << "a refused value must not be stored";
}

TEST_F(Flags, AnythingButAWholeNumberIsRefused) {
  for (const char* arg : {"--workers=", "--workers=x", "--workers=3x", "--workers= 3",
                          "--workers=3.5", "--workers=+3", "--workers=0x3"}) {
    EXPECT_THAT(error_of({arg}), HasSubstr("must be a whole number from 1 to 8")) << arg;
  }
}

TEST_F(Flags, MissingValueIsRefused) {
  EXPECT_EQ(error_of({"--workers"}), "--workers: needs a value, a whole number from 1 to 8");
  EXPECT_EQ(error_of({"--trace"}),
            "--trace: needs a value that is not empty: write a trace to FILE");
}

TEST_F(Flags, EmptyTextIsRefused) {
  EXPECT_EQ(error_of({"--name="}), "--name=: needs a value that is not empty: call it NAME");
  EXPECT_EQ(error_of({"--name", ""}), "--name=: needs a value that is not empty: call it NAME");
  EXPECT_EQ(texts_[1].value, "pool") << "a refused value must not be stored";
}

TEST_F(Flags, NextFlagIsNotTakenForAText) {
  for (const char* next : {"--workers=3", "--", "-x"}) {
    EXPECT_EQ(error_of({"--trace", next}),
              "--trace: needs a value that is not empty: write a trace to FILE");
  }
  ASSERT_TRUE(parse({"--trace=--workers=3"}));
  EXPECT_EQ(texts_[0].value, "--workers=3");
}

TEST_F(Flags, SwitchWithAValueIsRefused) {
  EXPECT_EQ(error_of({"--timeline=on"}), "--timeline=on: takes no value; write --timeline");
  EXPECT_EQ(error_of({"--timeline="}), "--timeline=: takes no value; write --timeline");
  EXPECT_FALSE(switches_[0].on);
}

TEST_F(Flags, UnknownFlagIsRefusedWithTheKnownOnes) {
  EXPECT_EQ(
      error_of({"--worker=3"}),
      "--worker=3: unknown flag; the flags are --workers --shift --trace --name --timeline --help");
  for (const char* arg : {"-workers=3", "-h", "--=3", "---workers=3", "--Workers=3"}) {
    EXPECT_THAT(error_of({arg}), HasSubstr("unknown flag")) << arg;
  }
}

TEST_F(Flags, ErrorIsOneLineWhateverTheArgumentHolds) {
  EXPECT_THAT(error_of({"--a\n\x1b[m"}), StartsWith("'--a'$'\\n\\033''[m': unknown flag"));
  EXPECT_THAT(error_of({"--workers", "\n"}), StartsWith("'--workers='$'\\n': must be a whole"));
  EXPECT_THAT(error_of({"--timeline=\n"}), StartsWith("'--timeline='$'\\n': takes no value"));
}

TEST_F(Flags, WhatIsNoFlagStaysInOrder) {
  const auto line = parse({"b", "--workers=5", "a", "-", "--", "--workers=x", "--help", "--"});
  ASSERT_TRUE(line) << line.error();
  EXPECT_THAT(line->arguments, ElementsAre("b", "a", "-", "--workers=x", "--help", "--"));
  EXPECT_FALSE(line->help) << "after -- everything is an argument";
  EXPECT_EQ(numbers_[0].value, 5);
}

TEST_F(Flags, HelpIsFoundAnywhere) {
  const auto line = parse({"--workers=5", "--help"});
  ASSERT_TRUE(line) << line.error();
  EXPECT_TRUE(line->help);
}

TEST_F(Flags, UsageNamesEachFlagItsLimitsAndItsDefault) {
  EXPECT_EQ(usage(flags_),
            "  --workers  threads; a whole number from 1 to 8; default 3\n"
            "  --shift  may be negative; a whole number from -5 to 5; default 0\n"
            "  --trace  write a trace to FILE\n"
            "  --name  call it NAME; default pool\n"
            "  --timeline  draw a timeline\n"
            "  --help  print this and exit\n");
}

}  // namespace
}  // namespace worker_pool
