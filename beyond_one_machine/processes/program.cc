#include "processes/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

extern char** environ;

namespace worker_pool {
namespace {

// Not with fork(), because this process has threads (WP-36). ShutdownSignals blocks signals and
// ignores some, and a child would inherit that.
pid_t spawn(std::vector<std::string> argv, int out) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  for (const int signal : {SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGXFSZ}) sigaddset(&signals, signal);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  // A process group of its own, so that Ctrl-C reaches only the program that started it.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<char*> pointers;
  for (std::string& arg : argv) pointers.push_back(arg.data());
  pointers.push_back(nullptr);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, pointers[0], &files, &attributes, pointers.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::system_error(error, std::generic_category(), argv.front());
  return pid;
}

int exit_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace

Program::Program(const std::vector<std::string>& argv, Line line, Exit exit)
    : line_(std::move(line)), exit_(std::move(exit)) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
  try {
    pid_ = spawn(argv, ends[1]);
  } catch (...) {
    close(ends[0]);
    close(ends[1]);
    throw;
  }
  close(ends[1]);
  try {
    reader_ = std::jthread([this, fd = ends[0]] { read(fd); });
  } catch (...) {  // the destructor of this object will not run
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(ends[0]);
    throw;
  }
}

Program::~Program() { send_signal(SIGKILL); }

// Under the lock, because the id may belong to another process once this one was waited for.
bool Program::send_signal(int signal) const {
  const std::lock_guard lock(mutex_);
  return running_ && kill(pid_, signal) == 0;
}

int Program::wait() {
  if (reader_.joinable()) reader_.join();
  return status_;
}

void Program::read(int fd) {
  std::FILE* const out = fdopen(fd, "r");
  std::string line;
  for (int byte = std::getc(out); byte != EOF; byte = std::getc(out)) {
    if (byte != '\n') {
      line += static_cast<char>(byte);
      continue;
    }
    line_(line);
    line.clear();
  }
  if (!line.empty()) line_(line);
  std::fclose(out);
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);  // it stays a zombie
  {
    const std::lock_guard lock(mutex_);
    int status = 0;
    waitpid(pid_, &status, 0);
    status_ = exit_status(status);
    running_ = false;
  }
  if (exit_) exit_(status_);
}

}  // namespace worker_pool
