// Child: a program whose output is read while it runs, such as Bazel.
//
//   Child child({"./bazelw", "test", "//exercises/03_lost_stop:test"});
//   while (!child.has_exited()) child.read_output();  // after poll(child.output_fd(), ...)
//   use(child.status(), child.output());
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace worker_pool {

// Not thread-safe. No function but end() and the destructor blocks.
class Child {
 public:
  // Starts argv[0], which needs a path, without input, and with its standard output and error as
  // one stream. It has a process group of its own, so a Ctrl-C on the terminal does not reach it:
  // the owner decides. Throws std::system_error.
  explicit Child(std::vector<std::string> argv);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();  // end()

  // Readable when there is output or the child has closed it; -1 once it has.
  int output_fd() const { return output_fd_; }

  // Reads what has been printed since the last call, and notices the exit of the child.
  void read_output();

  bool has_exited() const { return status_.has_value(); }
  // The exit status, or 128 + N if signal N ended the child. 127 if the system did not keep it,
  // because this program ignores SIGCHLD. Only after has_exited().
  int status() const { return *status_; }
  const std::string& output() const { return output_; }

  // Sends SIGTERM to the child and to what it started, and blocks until all have exited. When
  // `limit` is up, kills those that are left. Does nothing after has_exited().
  void end(std::chrono::milliseconds limit = std::chrono::seconds(5));

 private:
  void read_available();
  void reap();

  pid_t pid_ = -1;
  int output_fd_ = -1;
  std::string output_;
  std::optional<int> status_;
};

}  // namespace worker_pool
