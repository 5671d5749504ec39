#include "exercises/learn/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

extern char** environ;

namespace worker_pool {
namespace {

constexpr int kLostStatus = 127;  // a failure, as of a program that a shell cannot start

// The child must not inherit what this program blocks, or what its own parent ignores.
class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    for (const int signal : {SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP})
      sigaddset(&signals, signal);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

class Files {
 public:
  explicit Files(int output) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files_, output, STDERR_FILENO);
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files() { posix_spawn_file_actions_destroy(&files_); }
  const posix_spawn_file_actions_t* get() const { return &files_; }

 private:
  posix_spawn_file_actions_t files_;
};

}  // namespace

Child::Child(std::vector<std::string> argv) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  for (const int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  std::vector<char*> pointers;
  for (std::string& arg : argv) pointers.push_back(arg.data());
  pointers.push_back(nullptr);
  const int error = posix_spawn(&pid_, pointers[0], Files(ends[1]).get(), Attributes().get(),
                                pointers.data(), environ);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    throw std::system_error(error, std::generic_category(), argv.front());
  }
  output_fd_ = ends[0];
}

Child::~Child() {
  end();
  if (output_fd_ != -1) close(output_fd_);
}

// A server that the child has started may keep the pipe open, so the exit counts, not the end of
// the output.
void Child::read_output() {
  if (has_exited()) return;
  reap();
  read_available();  // after an exit, this is the rest
}

// SIGTERM, not SIGINT: dash, which may run bazelw's scripts, can lose a SIGINT while it starts a
// program. Bazel cancels the build for either. After the child's exit, its group exists as long as
// a program that it has started does.
void Child::end(std::chrono::milliseconds limit) {
  using std::chrono::steady_clock;
  if (has_exited()) return;
  kill(-pid_, SIGTERM);
  const auto kill_at = steady_clock::now() + limit;
  while (!has_exited() || kill(-pid_, 0) == 0) {
    if (steady_clock::now() >= kill_at) {
      kill(-pid_, SIGKILL);
      if (has_exited()) return;
    }
    pollfd output = {.fd = output_fd_, .events = POLLIN, .revents = 0};
    poll(&output, 1, 10);
    if (!has_exited()) reap();
    read_available();
  }
}

void Child::read_available() {
  std::array<char, 4096> piece;
  while (output_fd_ != -1) {
    const ssize_t count = read(output_fd_, piece.data(), piece.size());
    if (count > 0) {
      output_.append(piece.data(), static_cast<std::size_t>(count));
    } else if (count == 0) {
      close(std::exchange(output_fd_, -1));
    } else if (errno != EINTR) {
      return;  // EAGAIN: nothing more now
    }
  }
}

void Child::reap() {
  int status = 0;
  pid_t pid = -1;
  do {
    pid = waitpid(pid_, &status, WNOHANG);
  } while (pid == -1 && errno == EINTR);
  if (pid == 0) return;
  if (pid == -1) {
    status_ = kLostStatus;
    return;
  }
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace worker_pool
