// Program: a child process whose output is read line by line while it runs.
//
//   Program consumer({path, "--name=a"}, [](const std::string& line) { ... });
//   consumer.send_signal(SIGTERM);
//   const int status = consumer.wait();
#pragma once

#include <sys/types.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace worker_pool {

class Program {
 public:
  // `line` is called for each line of standard output and standard error, also for a last one
  // without a line end; then `exit`, with the exit status. Both run on one thread of their own, and
  // an exception from either ends the calling program: std::terminate().
  using Line = std::function<void(const std::string&)>;
  using Exit = std::function<void(int status)>;

  // Starts argv[0], which is looked up in PATH. Throws std::system_error, and then no program runs.
  Program(const std::vector<std::string>& argv, Line line, Exit exit = {});
  Program(Program&&) = delete;
  ~Program();  // kills the program if it is still running

  // Returns false if the program has exited.
  bool send_signal(int signal) const;

  // Blocks until the program has exited and its output has been read. Returns its exit status, or
  // 128 + N if signal N killed it.
  int wait();

  pid_t pid() const { return pid_; }

 private:
  void read(int fd);

  const Line line_;
  const Exit exit_;
  mutable std::mutex mutex_;  // guards running_
  bool running_ = true;
  pid_t pid_ = -1;
  int status_ = -1;  // written before the reader ends
  std::jthread reader_;
};

}  // namespace worker_pool
