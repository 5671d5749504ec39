// TerminalChild: a program that has a terminal of its own, with a keyboard. The test types and
// reads the screen.
//
//   TerminalChild child(watchdog, {"./learn"}, {.rows = 24, .columns = 80});
//   child.await("q quit");     // blocks until it is on the screen: no sleeping
//   child.type("q");
//   EXPECT_EQ(child.wait(), 0) << child.output();
//   EXPECT_TRUE(child.echoes());
//
// For a program that reads no keys, pseudo_terminal.h is simpler.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "testing/watchdog.h"

namespace worker_pool {

// Not thread-safe. Needs POSIX.
class TerminalChild {
 public:
  struct Size {
    unsigned short rows = 24;
    unsigned short columns = 80;
  };

  // Starts argv[0] as the leader of a session on the terminal, so that keys such as Ctrl-C are
  // signals. It has the default for HUP, INT, PIPE, QUIT, TERM and XFSZ, whatever the test program
  // ignores. Throws std::system_error.
  TerminalChild(const Watchdog& watchdog, std::vector<std::string> argv, Size size);
  TerminalChild(const TerminalChild&) = delete;
  TerminalChild& operator=(const TerminalChild&) = delete;
  ~TerminalChild();  // kills the child, and what it started in its process group

  void type(const std::string& keys) const;

  // Blocks until the child prints `text` after what an earlier call has found. If all programs
  // close the terminal first, the test fails and shows the output.
  void await(const std::string& text);

  // Sends a signal to every program of the child's process group.
  void send_signal(int signal) const;

  // Whether the terminal shows what is typed, as it does at the start.
  bool echoes() const;

  // Blocks until all programs have closed the terminal and the child has exited. Returns its exit
  // status, or 128 + N if signal N killed it.
  int wait();

  // Everything printed so far, without the \r that the terminal adds.
  const std::string& output() const { return output_; }

 private:
  bool read_more();

  const Watchdog& watchdog_;
  int screen_ = -1;
  pid_t pid_ = -1;
  std::string output_;
  std::size_t found_ = 0;  // the end of what await() has found
};

}  // namespace worker_pool
