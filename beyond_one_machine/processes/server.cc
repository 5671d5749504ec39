#include "processes/server.h"

#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace worker_pool {

Server::Server(std::string data_folder, std::vector<std::string> wrapper)
    : data_folder_(std::move(data_folder)), wrapper_(std::move(wrapper)) {
  start();
}

void Server::start() {
  program_.reset();
  ready_ = exited_ = false;
  log_.clear();
  const char* const chosen = std::getenv("NATS_SERVER");
  std::vector<std::string> argv = wrapper_;
  argv.insert(argv.end(), {chosen != nullptr ? chosen : "nats-server", "-a", "127.0.0.1", "-p",
                           port_, "-js", "-sd", data_folder_});
  program_ = std::make_unique<Program>(
      argv, [this](const std::string& line) { read(line); },
      [this](int) {
        const std::lock_guard lock(mutex_);
        exited_ = true;
        changed_.notify_all();
      });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ready_ || exited_; });
  if (!ready_) throw std::runtime_error("the server did not start:\n" + log_);
  port_ = listening_;
}

void Server::stop() {
  program_->send_signal(SIGTERM);
  program_->wait();
}

void Server::kill() {
  program_->send_signal(SIGKILL);
  program_->wait();
}

void Server::hang() {
  program_->send_signal(SIGSTOP);
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(pid()), &info, WSTOPPED);  // until all its threads have stopped
}

void Server::resume() { program_->send_signal(SIGCONT); }

bool Server::running() const {
  const std::lock_guard lock(mutex_);
  return !exited_;
}

void Server::read(const std::string& line) {
  const std::lock_guard lock(mutex_);
  constexpr std::string_view kListening = "Listening for client connections on ";
  if (line.find(kListening) != std::string::npos) listening_ = line.substr(line.rfind(':') + 1);
  log_ += line + "\n";
  if (line.ends_with("Server is ready")) ready_ = true;
  changed_.notify_all();
}

}  // namespace worker_pool
