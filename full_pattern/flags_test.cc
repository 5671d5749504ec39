#include "full_pattern/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Flags : public ::testing::Test {
 protected:
  std::expected<CommandLine, std::string> parse(std::vector<const char*> args) {
    return parse_flags(args, flags_);
  }

  std::string error_of(std::vector<const char*> args) {
    const auto line = parse(std::move(args));
    return line ? "accepted" : line.error();
  }

  std::array<IntFlag, 2> flags_ = {IntFlag{"workers", "threads", 1, 8, 3},
                                   IntFlag{"shift", "may be negative", -5, 5, 0}};
};

TEST_F(Flags, KeepTheirDefaultsWhenNothingIsGiven) {
  const auto line = parse({});
  ASSERT_TRUE(line) << line.error();
  EXPECT_FALSE(line->help);
  EXPECT_THAT(line->arguments, IsEmpty());
  EXPECT_EQ(flags_[0].value, 3);
}

TEST_F(Flags, TakeTheirValueAfterAnEqualsSignOrAsTheNextArgument) {
  const auto line = parse({"--workers=5", "--shift", "-2"});
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(flags_[0].value, 5);
  EXPECT_EQ(flags_[1].value, -2);
}

TEST_F(Flags, AcceptBothEndsOfTheirRange) {
  ASSERT_TRUE(parse({"--workers=1"}));
  EXPECT_EQ(flags_[0].value, 1);
  ASSERT_TRUE(parse({"--workers=8"}));
  EXPECT_EQ(flags_[0].value, 8);
}

TEST_F(Flags, LastOneCountsWhenRepeated) {
  ASSERT_TRUE(parse({"--workers=5", "--workers=6"}));
  EXPECT_EQ(flags_[0].value, 6);
}

TEST_F(Flags, OutOfRangeIsRefusedWithTheValueAndTheRange) {
  EXPECT_EQ(error_of({"--workers=0"}), "--workers=0: must be a whole number from 1 to 8");
  EXPECT_EQ(error_of({"--workers", "9"}), "--workers=9: must be a whole number from 1 to 8");
  EXPECT_EQ(error_of({"--workers=99999999999999999999"}),
            "--workers=99999999999999999999: must be a whole number from 1 to 8");
  EXPECT_EQ(flags_[0].value, 3) << "a refused value must not be stored";
}

TEST_F(Flags, AnythingButAWholeNumberIsRefused) {
  for (const char* arg : {"--workers=", "--workers=x", "--workers=3x", "--workers= 3",
                          "--workers=3.5", "--workers=+3", "--workers=0x3"}) {
    EXPECT_THAT(error_of({arg}), HasSubstr("must be a whole number from 1 to 8")) << arg;
  }
}

TEST_F(Flags, MissingValueIsRefused) {
  EXPECT_EQ(error_of({"--workers"}), "--workers: needs a value, a whole number from 1 to 8");
}

TEST_F(Flags, UnknownFlagIsRefusedWithTheKnownOnes) {
  EXPECT_EQ(error_of({"--worker=3"}),
            "--worker=3: unknown flag; known are --workers --shift --help");
  for (const char* arg : {"-workers=3", "-h", "--=3", "---workers=3", "--Workers=3"}) {
    EXPECT_THAT(error_of({arg}), HasSubstr("unknown flag")) << arg;
  }
}

TEST_F(Flags, WhatIsNoFlagStaysInOrder) {
  const auto line = parse({"b", "--workers=5", "a", "-", "--", "--workers=x", "--help", "--"});
  ASSERT_TRUE(line) << line.error();
  EXPECT_THAT(line->arguments, ElementsAre("b", "a", "-", "--workers=x", "--help", "--"));
  EXPECT_FALSE(line->help) << "after -- everything is an argument";
  EXPECT_EQ(flags_[0].value, 5);
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
            "  --help  print this and exit\n");
}

}  // namespace
}  // namespace worker_pool
