// ChildProcess: runs a program beside the test, which can send it signals and lines meanwhile.
//
//   ChildProcess child(watchdog, {program, "--workers=1"});
//   child.await_line("Worker 1 started job 1");    // the child reports its progress: no sleeping
//   child.send_signal(SIGTERM);
//   EXPECT_EQ(child.wait(), 1) << child.output();
//
// For a program that only has to exit, run_program.h is simpler.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "testing/watchdog.h"

namespace worker_pool {

// Not thread-safe. Needs POSIX.
class ChildProcess {
 public:
  // Starts argv[0]. SIGHUP, SIGINT, SIGPIPE, SIGTERM and SIGXFSZ have their default effect in the
  // child, whatever their effect in the test program. Throws std::system_error.
  ChildProcess(const Watchdog& watchdog, std::vector<std::string> argv);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();  // kills the child if it is still running

  // Writes a line to the child's standard input.
  void write_line(const std::string& line);

  // Blocks until the child prints this line on its standard output or standard error, which are one
  // stream here. If the child exits without printing it, the test fails and shows the output.
  void await_line(const std::string& line);

  void send_signal(int signal) const;

  // Blocks until the child has at least `threads` threads and each of them, read one after the
  // other, sleeps in the kernel. A child that has only waits without a timeout left, and no thread
  // that wakes another one, is then waiting for an event from outside. On other systems than Linux
  // it returns at once.
  void await_sleep(std::size_t threads = 1) const;

  // Closes the child's standard input and blocks until the child exits. Returns its exit status, or
  // 128 + N if signal N killed it.
  int wait();

  // Everything read so far. After wait(), the whole output.
  const std::string& output() const { return output_; }

 private:
  bool read_line(std::string& line);

  const Watchdog& watchdog_;
  pid_t pid_ = -1;
  std::FILE* in_ = nullptr;   // the child's standard input
  std::FILE* out_ = nullptr;  // the child's standard output and error
  std::string output_;
};

}  // namespace worker_pool
