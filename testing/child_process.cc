#include "testing/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "testing/run_program.h"

extern char** environ;

namespace worker_pool {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    for (const int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);  // not for other children
    read_end = ends[0];
    write_end = ends[1];
  }
  int read_end = -1;
  int write_end = -1;
};

// Starts argv with `in` as its standard input and `out` as its standard output and error. Not with
// fork(), because the test has threads. (WP-36)
pid_t spawn(std::vector<std::string> argv, int in, int out) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);

  // A shell starts background commands with SIGINT ignored, and children inherit that.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  for (const int signal : {SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGXFSZ}) sigaddset(&signals, signal);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<char*> pointers;
  for (std::string& arg : argv) pointers.push_back(arg.data());
  pointers.push_back(nullptr);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, pointers[0], &files, &attributes, pointers.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::system_error(error, std::generic_category(), argv.front());
  return pid;
}

#if defined(__linux__)
// The state of each thread: "S" for sleeping, "R" for running and so on, "" if it has just exited.
std::vector<std::string> thread_states(pid_t pid) {
  std::vector<std::string> states;
  std::error_code ended;
  const std::filesystem::path threads = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& thread : std::filesystem::directory_iterator(threads, ended)) {
    std::string text;
    std::ifstream file(thread.path() / "stat");
    std::getline(file, text);
    const auto name_end = text.rfind(") ");  // the program's name may contain ") "
    states.push_back(name_end == std::string::npos ? "" : text.substr(name_end + 2, 1));
  }
  return states;
}
#endif

}  // namespace

ChildProcess::ChildProcess(const Watchdog& watchdog, std::vector<std::string> argv)
    : watchdog_(watchdog) {
  signal(SIGPIPE, SIG_IGN);  // write_line() to a child that has exited is a test failure (WP-37)
  const Pipe in;
  const Pipe out;
  pid_ = spawn(std::move(argv), in.read_end, out.write_end);
  close(in.read_end);
  close(out.write_end);
  in_ = fdopen(in.write_end, "w");
  out_ = fdopen(out.read_end, "r");
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (in_ != nullptr) std::fclose(in_);
  std::fclose(out_);
}

void ChildProcess::write_line(const std::string& line) {
  std::fputs((line + "\n").c_str(), in_);
  EXPECT_EQ(std::fflush(in_), 0) << "the child has exited or does not read: \"" << line << "\"";
}

void ChildProcess::await_line(const std::string& line) {
  const auto note = watchdog_.waiting("test: for the child to print \"" + line + "\"");
  std::string found;
  while (read_line(found)) {
    if (found == line) return;
  }
  FAIL() << "the child exited without printing \"" << line << "\". It printed:\n" << output_;
}

void ChildProcess::send_signal(int signal) const {
  ASSERT_GT(pid_, 0) << "the child has exited, and -1 would mean every process";
  ASSERT_EQ(kill(pid_, signal), 0);
}

void ChildProcess::await_sleep(std::size_t threads) const {
#if defined(__linux__)
  watchdog_.await("the child to sleep", [this, threads] {
    const std::vector<std::string> states = thread_states(pid_);
    const auto sleeping = static_cast<std::size_t>(std::ranges::count(states, "S"));
    return sleeping == states.size() && sleeping >= threads;
  });
#else
  (void)threads;
#endif
}

int ChildProcess::wait() {
  std::fclose(std::exchange(in_, nullptr));
  const auto note = watchdog_.waiting("test: for the child to exit");
  std::string line;
  while (read_line(line)) {
  }
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return exit_status(status);
}

bool ChildProcess::read_line(std::string& line) {
  line.clear();
  for (int byte = std::getc(out_); byte != EOF; byte = std::getc(out_)) {
    output_ += static_cast<char>(byte);
    if (byte == '\n') return true;
    line += static_cast<char>(byte);
  }
  return !line.empty();
}

}  // namespace worker_pool
