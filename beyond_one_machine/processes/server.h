// Server: a nats-server of our own, on a free port of this machine, that can be stopped, killed and
// started again.
//
//   Server server("/tmp/data");
//   Broker broker({.url = server.url()});
//   server.kill();
//   server.start();        // with the same port and the same data
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "processes/program.h"

namespace worker_pool {

// One thread uses it.
class Server {
 public:
  // Starts the program in $NATS_SERVER, or else nats-server, and blocks until it accepts
  // connections. `wrapper` is a command that starts it, such as {"prlimit", "--core=0"}. Throws
  // std::runtime_error with what it printed if it exits.
  explicit Server(std::string data_folder, std::vector<std::string> wrapper = {});

  void start();  // again
  void stop();   // SIGTERM, then waits
  void kill();   // SIGKILL, then waits
  void hang();   // SIGSTOP, then waits: the connections stay open, and it reads nothing
  void resume();

  bool running() const;
  pid_t pid() const { return program_->pid(); }
  std::string url() const { return "nats://127.0.0.1:" + port_; }

 private:
  void read(const std::string& line);

  const std::string data_folder_;
  const std::vector<std::string> wrapper_;
  std::string port_ = "-1";   // the server chooses
  mutable std::mutex mutex_;  // guards the members below, except for program_
  std::condition_variable changed_;
  bool ready_ = false;
  bool exited_ = false;
  std::string log_;
  std::string listening_;
  std::unique_ptr<Program> program_;
};

}  // namespace worker_pool
