// ChildProcess: a program that runs beside the test, for what happens to it while it runs.
//
//   ChildProcess child(watchdog, {program, "--workers=1"});
//   child.await_line("Worker 1 started job 1");    // no sleeping: it says itself how far it is
//   child.send_signal(SIGTERM);
//   EXPECT_EQ(child.wait(), 1) << child.output();
//
// run_program.h is simpler for a program that only has to come to its end.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "testing/watchdog.h"

namespace worker_pool {

// For one thread. POSIX.
class ChildProcess {
 public:
  // Starts argv[0]. SIGINT and SIGTERM do there what they do by default, whatever they do here.
  ChildProcess(const Watchdog& watchdog, std::vector<std::string> argv);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();  // kills it if it is still there

  // Writes a line to its standard input.
  void write_line(const std::string& line);

  // Reads its standard output and standard error, which are one stream here, up to this line.
  // Blocks until it comes. When the child ends without it, the test fails with what it had printed.
  void await_line(const std::string& line);

  void send_signal(int signal) const;

  // Blocks until the child has at least so many threads and all of them sleep in the kernel:
  // whatever it waits for has to come from outside. Linux only: elsewhere it returns at once.
  void await_sleep(std::size_t threads = 1) const;

  // Closes its standard input and blocks until it has ended. Its exit status; 128 + N when signal N
  // has killed it.
  int wait();

  // What has been read so far; after wait() everything.
  const std::string& output() const { return output_; }

 private:
  bool read_line(std::string& line);

  const Watchdog& watchdog_;
  pid_t pid_ = -1;
  std::FILE* in_ = nullptr;   // its standard input
  std::FILE* out_ = nullptr;  // its standard output and error
  std::string output_;
};

}  // namespace worker_pool
