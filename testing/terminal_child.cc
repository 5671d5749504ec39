#include "testing/terminal_child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "testing/run_program.h"

extern char** environ;

namespace worker_pool {
namespace {

// Returns `result`, or throws if it is -1, which means that `call` failed.
int checked(const char* call, int result) {
  if (result == -1) throw std::system_error(errno, std::generic_category(), call);
  return result;
}

// The leader of a session gets the first terminal that it opens as its controlling terminal.
pid_t spawn(std::vector<std::string> argv, const char* terminal) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, terminal, O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDERR_FILENO);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  for (const int signal : {SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGXFSZ})
    sigaddset(&signals, signal);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);

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

}  // namespace

TerminalChild::TerminalChild(const Watchdog& watchdog, std::vector<std::string> argv, Size size)
    : watchdog_(watchdog), screen_(checked("posix_openpt", posix_openpt(O_RDWR | O_NOCTTY))) {
  checked("fcntl", fcntl(screen_, F_SETFD, FD_CLOEXEC));
  checked("grantpt", grantpt(screen_));
  checked("unlockpt", unlockpt(screen_));
  winsize window = {};
  window.ws_row = size.rows;
  window.ws_col = size.columns;
  checked("TIOCSWINSZ", ioctl(screen_, TIOCSWINSZ, &window));
  pid_ = spawn(std::move(argv), ptsname(screen_));
}

TerminalChild::~TerminalChild() {
  if (pid_ > 0) {
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(screen_);
}

void TerminalChild::type(const std::string& keys) const {
  EXPECT_EQ(write(screen_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

void TerminalChild::await(const std::string& text) {
  std::optional<Watchdog::Waiting> note;
  for (;;) {
    note.reset();
    note.emplace(watchdog_.notes(), "test: for the screen to show \"" + text +
                                        "\" after what was found before, but it shows:\n" +
                                        output_.substr(found_));
    const auto found = output_.find(text, found_);
    if (found != std::string::npos) {
      found_ = found + text.size();
      return;
    }
    if (!read_more()) {
      FAIL() << "the child exited without printing \"" << text << "\". It printed:\n" << output_;
    }
  }
}

void TerminalChild::send_signal(int signal) const {
  ASSERT_GT(pid_, 0) << "the child has exited";
  ASSERT_EQ(kill(-pid_, signal), 0);
}

bool TerminalChild::echoes() const {
  termios settings = {};
  checked("tcgetattr", tcgetattr(screen_, &settings));
  return (settings.c_lflag & ECHO) != 0 && (settings.c_lflag & ICANON) != 0;
}

int TerminalChild::wait() {
  const auto note = watchdog_.waiting("test: for the child to exit");
  while (read_more()) {
  }
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return exit_status(status);
}

bool TerminalChild::read_more() {
  std::array<char, 4096> piece;
  ssize_t count = 0;
  do {
    count = read(screen_, piece.data(), piece.size());
  } while (count == -1 && errno == EINTR);
  if (count <= 0) return false;  // on Linux, the end is an error
  for (const char c : std::string(piece.data(), static_cast<std::size_t>(count))) {
    if (c != '\r') output_ += c;
  }
  return true;
}

}  // namespace worker_pool
