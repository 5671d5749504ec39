#include "full_pattern/observers/utf8.h"

#include <gtest/gtest.h>

#include <string_view>

namespace worker_pool {
namespace {

using namespace std::string_view_literals;

TEST(Utf8, FirstCharacterHasItsLength) {
  EXPECT_EQ(first_character("\0"sv), 1u);
  EXPECT_EQ(first_character("a\xFF"), 1u) << "the bytes after it do not matter";
  EXPECT_EQ(first_character("\x7F"), 1u);
  EXPECT_EQ(first_character("\xC2\x80"), 2u);
  EXPECT_EQ(first_character("\xDF\xBFx"), 2u);
  EXPECT_EQ(first_character("\xE0\xA0\x80"), 3u);
  EXPECT_EQ(first_character("\xED\x9F\xBF"), 3u);
  EXPECT_EQ(first_character("\xEF\xBF\xBD"), 3u);
  EXPECT_EQ(first_character("\xF0\x90\x80\x80"), 4u);
  EXPECT_EQ(first_character("\xF4\x8F\xBF\xBF"), 4u);
}

TEST(Utf8, WhatIsNoCharacterHasNone) {
  EXPECT_EQ(first_character(""), 0u);
  for (const std::string_view text :
       {"\x80"sv, "\xBF"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xC2"sv, "\xC2x"sv, "\xE0\x9F\xBF"sv,
        "\xE2\x82"sv, "\xE2\x82x"sv, "\xED\xA0\x80"sv, "\xF0\x8F\xBF\xBF"sv, "\xF0\x9F\x98"sv,
        "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "\xFF"sv}) {
    EXPECT_EQ(first_character(text), 0u) << ::testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace worker_pool
