// Programs whose output goes to a pipe that nothing reads any more: it is full, so that every write
// to it blocks. Signals must end them all the same.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "testing/child_process.h"
#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

std::string path_in(const char* variable) {
  const char* const path = std::getenv(variable);
  return path != nullptr ? path : variable + std::string("-is-not-set");
}

std::string file(const std::string& name) { return ::testing::TempDir() + "/" + name; }

// A named pipe that the test reads, until it fills it.
class Pipe {
 public:
  Pipe() : path_(file("blocked_output_test.pipe")) {
    std::remove(path_.c_str());
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
    pipe_ = open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() { close(pipe_); }

  const std::string& path() const { return path_; }

  // Blocks until `text` has been written to the pipe.
  void await(const Watchdog& watchdog, const std::string& text) const {
    std::string seen;
    watchdog.await("the program to print: " + text, [&] {
      for (char byte = 0; read(pipe_, &byte, 1) == 1;) seen += byte;
      return seen.find(text) != seen.npos;
    });
  }

  void fill() const {
    while (write(pipe_, "x", 1) == 1) {
    }
  }

 private:
  const std::string path_;
  int pipe_ = -1;
};

struct Program {
  const char* variable;  // holds the path of the program
  const char* flags;
  const char* line;  // printed before a job that runs until it is canceled
};

class BlockedOutput : public ::testing::Test {
 protected:
  // Starts the program with these redirections.
  ChildProcess start(const Program& program, const std::string& redirections) const {
    return ChildProcess(watchdog_, {"/bin/sh", "-c",
                                    "exec " + path_in(program.variable) + " --workers=1 " +
                                        program.flags + " " + redirections});
  }

  const Watchdog watchdog_;
  const Pipe pipe_;
};

constexpr Program kFullPattern = {
    "FULL_PATTERN", "--jobs=1 --work_ms=3600000 --drain_ms=3600000 --cancel_ms=3600000",
    "Worker 1 started job 1\n"};
constexpr Program kChecksum = {"CHECKSUM", "/dev/null /dev/zero", "4294967295 0 /dev/null\n"};

class BlockedOutputOf : public BlockedOutput, public ::testing::WithParamInterface<Program> {};

TEST_P(BlockedOutputOf, BothKindsDoesNotHideASignal) {
  ChildProcess run = start(GetParam(), ">'" + pipe_.path() + "' 2>&1");
  pipe_.await(watchdog_, GetParam().line);
  pipe_.fill();
  // Three different ones, because two of a kind may count as one. The system delivers those that
  // are pending in the order of their numbers, which is this order.
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) run.send_signal(signal);
  const auto note = watchdog_.waiting("test: for the third signal to end " +
                                      path_in(GetParam().variable) + ", whose output is blocked");
  EXPECT_EQ(run.wait(), 128 + SIGTERM);
}

INSTANTIATE_TEST_SUITE_P(Each, BlockedOutputOf, ::testing::Values(kFullPattern, kChecksum),
                         [](const auto& run) { return std::string(run.param.variable); });

TEST_F(BlockedOutput, OfTheAnnouncementDoesNotHideASignalAtTheEndOfTheProgram) {
  ChildProcess run = start(kFullPattern, "2>'" + pipe_.path() + "'");
  run.await_line("Worker 1 started job 1");
  pipe_.fill();
  run.send_signal(SIGHUP);
  run.send_signal(SIGINT);
  run.await_line("Shutdown complete");
  run.await_sleep();  // in the destructor of ShutdownSignals
  run.send_signal(SIGTERM);
  EXPECT_EQ(run.wait(), 128 + SIGTERM) << run.output();
}

TEST_F(BlockedOutput, OfAWorkerDoesNotHideASignal) {
  pipe_.fill();
  const std::string errors = file("blocked_output_test.err");
  std::ofstream(errors).flush();  // empties it
  ChildProcess run = start(kFullPattern, ">'" + pipe_.path() + "' 2>'" + errors + "'");
  // main() in the drain, the two threads of ShutdownSignals, the worker
  run.await_sleep(4);
  for (const std::string said : {"no more jobs", "canceled"}) {
    run.send_signal(SIGTERM);
    watchdog_.await("the program to print: " + said,
                    [&] { return contents(errors).find(said) != std::string::npos; });
  }
  run.send_signal(SIGTERM);
  EXPECT_EQ(run.wait(), 128 + SIGTERM);
}

}  // namespace
}  // namespace worker_pool
