#include "exercises/learn/pages.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace worker_pool {
namespace {

TEST(Pages, HintsAreTheDetailsInTheirOrder) {
  const std::vector<Hint> hints = hints_of(
      "# Page\n\n<details><summary>Hint 1: where to start</summary>\n\nRead\n`stop()`.\n\n"
      "</details>\n<details><summary>Hint 2: the idea</summary>\n\nLock.\n\n</details>\n");
  ASSERT_EQ(hints.size(), 2U);
  EXPECT_EQ(hints[0].title, "Hint 1: where to start");
  EXPECT_EQ(hints[0].text, "Read\n`stop()`.");
  EXPECT_EQ(hints[1].title, "Hint 2: the idea");
  EXPECT_EQ(hints[1].text, "Lock.");
}

TEST(Pages, WhatIsNotClosedIsNoHint) {
  EXPECT_TRUE(hints_of("<details><summary>Hint 1</summary> no end").empty());
  EXPECT_TRUE(hints_of("no hints").empty());
}

TEST(Pages, PlainTextHasNoCommentsAndNoTargets) {
  EXPECT_EQ(plain_text("<!-- from a.h -->\nSee [the\nlesson](a/b.md) and [WP-03](c.md#wp-03).\n"),
            "See the\nlesson and WP-03.");
  EXPECT_EQ(plain_text("`[this] { f(x); }` is in [a](b)"), "`[this] { f(x); }` is in a");
  EXPECT_EQ(plain_text("a[i] = (b)"), "a[i] = (b)");
}

TEST(Pages, ParagraphsAreWrappedAndCodeIsNot) {
  EXPECT_EQ(paragraphs("# Title\n\none two\nthree\n- four\n  five\n- six\n```cpp\nint  x;\n```", 9),
            (std::vector<std::string>{"# Title", "", "one two", "three", "- four", "five", "- six",
                                      "```cpp", "int  x;", "```"}));
}

}  // namespace
}  // namespace worker_pool
