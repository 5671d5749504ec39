#include "full_pattern/console/terminal.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include "testing/pseudo_terminal.h"

namespace worker_pool {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

File open(const std::string& path) {
  File file(std::fopen(path.c_str(), "r+"));
  if (!file) throw std::runtime_error("cannot open " + path);
  return file;
}

TEST(Terminal, IsNotMistakenForAFile) {
  const PseudoTerminal terminal(80);
  setenv("TERM", "xterm", 1);
  EXPECT_TRUE(can_redraw(open(terminal.path()).get()));
  EXPECT_FALSE(can_redraw(File(std::tmpfile()).get()));
  EXPECT_FALSE(can_redraw(open("/dev/null").get())) << "a device, but not a terminal";
}

TEST(Terminal, IsNotRedrawnUnlessItsKindIsKnownToUnderstandThat) {
  const PseudoTerminal terminal(80);
  const File file = open(terminal.path());
  for (const char* kind : {"dumb", ""}) {
    setenv("TERM", kind, 1);
    EXPECT_FALSE(can_redraw(file.get())) << kind;
  }
  unsetenv("TERM");
  EXPECT_FALSE(can_redraw(file.get()));
}

TEST(Terminal, TellsItsWidth) {
  const PseudoTerminal terminal(132);
  EXPECT_EQ(terminal_width(open(terminal.path()).get()), 132);
}

TEST(Terminal, IsTakenToBe80WideWhenItDoesNotTell) {
  const PseudoTerminal terminal(0);
  EXPECT_EQ(terminal_width(open(terminal.path()).get()), 80);
}

TEST(Terminal, FileIsTakenToBe80Wide) { EXPECT_EQ(terminal_width(File(std::tmpfile()).get()), 80); }

}  // namespace
}  // namespace worker_pool
