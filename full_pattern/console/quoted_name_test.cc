#include "full_pattern/console/quoted_name.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "testing/run_program.h"

namespace worker_pool {
namespace {

TEST(QuotedName, LeavesPlainNamesAlone) {
  for (const std::string name : {"a", "/tmp/run-1.json", "--trace=x", "-", "b\xC3\xA4r"}) {
    EXPECT_EQ(quoted_name(name), name);
  }
}

TEST(QuotedName, QuotesWhatAShellOrAReaderWouldMistake) {
  EXPECT_EQ(quoted_name(""), "''");
  EXPECT_EQ(quoted_name("a b"), "'a b'");
  EXPECT_EQ(quoted_name("a\\b"), "'a\\b'");
  EXPECT_EQ(quoted_name("it's"), "'it'\\''s'");
}

// The expected values were printed by GNU coreutils' cksum.
TEST(QuotedName, EscapesControlCharactersAsGnuDoes) {
  EXPECT_EQ(quoted_name("a\nb"), "'a'$'\\n''b'");
  EXPECT_EQ(quoted_name("a\n"), "'a'$'\\n'");
  EXPECT_EQ(quoted_name("\n\t"), "''$'\\n\\t'");
  EXPECT_EQ(quoted_name("no\n\x1b[31m"), "'no'$'\\n\\033''[31m'");
  EXPECT_EQ(quoted_name("\x7F"), "''$'\\177'");
  EXPECT_EQ(quoted_name("\xC2\x85"), "''$'\\302\\205'") << "U+0085 is a control character";
  EXPECT_EQ(quoted_name("\xFF"), "''$'\\377'") << "not UTF-8";
}

std::string repeated(int times, const std::string& text) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(QuotedName, KeepsBothEndsOfALongName) {
  const std::string a = repeated(250, "a");
  const std::string b = repeated(250, "b");
  EXPECT_EQ(quoted_name(a + b), a + b);
  EXPECT_EQ(quoted_name(a + "x" + b), a + "..." + b);
}

TEST(QuotedName, CutsALongNameBetweenCharacters) {
  const std::string a_umlaut = "\xC3\xA4";
  EXPECT_EQ(quoted_name("x" + repeated(300, a_umlaut) + "x"),
            "x" + repeated(124, a_umlaut) + "..." + repeated(124, a_umlaut) + "x");
  EXPECT_EQ(quoted_name(repeated(600, "\x80")), "...") << "no character begins anywhere";
}

TEST(QuotedName, IsReadBackByBash) {
  if (run_program("bash -c ''").status != 0) GTEST_SKIP() << "needs Bash";
  std::string name;
  for (int byte = 1; byte < 128; ++byte) name += static_cast<char>(byte);
  setenv("QUOTED", ("printf %s " + quoted_name(name)).c_str(), 1);
  EXPECT_EQ(run_program("bash -c \"$QUOTED\"").out, name);
}

}  // namespace
}  // namespace worker_pool
