// The demo: a server, three consumers and a producer, and a table of what becomes of the jobs. It
// asks you to kill these processes, and starts each one again, as an orchestrator would.
//
//   ./demo               on Debian, also without a broker (see the script)
//   ./demo --jobs=3000
//
// Exit status: 0 if no job was lost; 1 if one was, or the demo was stopped; 2 if the command line
// was wrong.
#include <signal.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "full_pattern/console/flags.h"
#include "full_pattern/console/standard_streams.h"
#include "full_pattern/signals/signals.h"
#include "processes/program.h"
#include "processes/server.h"
#include "processes/temporary_folder.h"
#include "show/demo_table.h"
#include "step1_job/context.h"

namespace worker_pool {
namespace {

constexpr std::chrono::seconds kTick{1};

std::string path_of(const char* variable) {
  const char* const path = std::getenv(variable);
  if (path == nullptr) throw std::runtime_error(std::string(variable) + " is not set: use ./demo");
  return path;
}

std::string how_it_ended(int status) {
  if (status > 128) return "was killed by signal " + std::to_string(status - 128);
  return "exited with status " + std::to_string(status);
}

// A consumer that is started again when it has exited.
class DemoConsumer {
 public:
  DemoConsumer(std::string name, std::string url) : name_(std::move(name)), url_(std::move(url)) {
    start();
  }

  // Returns a line about a process that has exited since the last call.
  std::string restart_if_exited() {
    if (!exit_status()) return "";
    const std::string before = std::to_string(program_->pid());
    const std::string how = how_it_ended(*exit_status());
    column_.process_exited();
    start();
    return name_ + " (" + before + ") " + how + ". It runs again, as process " +
           std::to_string(program_->pid());
  }

  void stop() {
    program_->send_signal(SIGTERM);
    program_->wait();
  }

  DemoCounts counts() const { return column_.counts(); }
  pid_t pid() const { return program_->pid(); }

 private:
  void start() {
    program_.reset();
    exited_.reset();
    program_ = std::make_unique<Program>(
        std::vector<std::string>{path_of("CONSUMER"), "--url=" + url_, "--name=" + name_,
                                 "--ack_wait_ms=2000", "--retry_ms=500"},
        [this](const std::string& line) { column_.read(line); },
        [this](int status) {
          const std::lock_guard lock(mutex_);
          exited_ = status;
        });
  }

  std::optional<int> exit_status() const {
    const std::lock_guard lock(mutex_);
    return exited_;
  }

  const std::string name_;
  const std::string url_;
  DemoColumn column_;
  mutable std::mutex mutex_;  // guards exited_
  std::optional<int> exited_;
  std::unique_ptr<Program> program_;
};

class Demo {
 public:
  explicit Demo(const std::string& folder) : server_(folder), broker_({.url = server_.url()}) {
    for (const char* name : {"a", "b", "c"}) {
      consumers_.push_back(std::make_unique<DemoConsumer>(name, server_.url()));
    }
  }

  void produce(std::int64_t jobs, const std::string& prefix, const std::string& work) const {
    Program producer({path_of("PRODUCER"), "--url=" + server_.url(), "--prefix=" + prefix,
                      "--work=" + work, "--jobs=" + std::to_string(jobs)},
                     [](const std::string&) {});
    if (producer.wait() != 0) throw std::runtime_error("the producer could not store its jobs");
  }

  void invite() const {
    const auto pid = [&](std::size_t i) { return std::to_string(consumers_[i]->pid()); };
    std::cout << "In another terminal, end any of these processes, as often as you like:\n\n"
              << "    kill -9 " << pid(0) << "    consumer a crashes\n"
              << "    kill    " << pid(1) << "    consumer b is replaced in a rollout\n"
              << "    kill -9 " << server_.pid() << "    the server crashes\n\n"
              << "Each one is started again within two seconds. Ctrl-C ends the demo.\n"
              << "For each consumer: jobs done, in hand, delivered to it again, buried by it.\n\n"
              << "  time   left | a: done hand again bur. | b: done hand again bur. "
              << "| c: done hand again bur.\n";
  }

  // Prints a row every second. Returns true when no job is left, false if it was stopped.
  bool watch(const std::stop_token& stop) {
    const Context ctx(stop);
    for (int seconds = 1; ctx.sleep_for(kTick); ++seconds) {
      const std::optional<Broker::Depth> depth = read_depth();
      print_row(seconds, depth);
      if (depth && depth->jobs == 0) return true;
      restart();
    }
    return false;
  }

  // Returns true if every job has a result or is buried.
  bool finish(std::int64_t jobs) {
    for (const auto& consumer : consumers_) consumer->stop();
    const Broker::Depth depth = broker_.depth();
    const auto results = static_cast<std::int64_t>(broker_.result_count());
    const auto buried = static_cast<std::int64_t>(depth.buried);
    std::cout << "\nOf " << jobs << " jobs: " << results << " have a result, " << buried
              << " buried, " << depth.jobs << " left, lost "
              << jobs - results - buried - static_cast<std::int64_t>(depth.jobs) << std::endl;
    return results + buried == jobs;
  }

 private:
  std::optional<Broker::Depth> read_depth() const {
    try {
      return broker_.depth();
    } catch (const BrokerError&) {
      return std::nullopt;
    }
  }

  void print_row(int seconds, const std::optional<Broker::Depth>& depth) const {
    std::printf("%4d s %6s", seconds, depth ? std::to_string(depth->jobs).c_str() : "down");
    for (const auto& consumer : consumers_) {
      const DemoCounts counts = consumer->counts();
      std::printf(" | %7ju %4ju %5ju %4ju", static_cast<std::uintmax_t>(counts.done),
                  static_cast<std::uintmax_t>(counts.in_hand),
                  static_cast<std::uintmax_t>(counts.redelivered),
                  static_cast<std::uintmax_t>(counts.buried));
    }
    std::printf("\n");
    std::fflush(stdout);
  }

  void restart() {
    if (!server_.running()) {
      server_.start();
      std::cout << "         The server had exited. It runs again, as process " << server_.pid()
                << std::endl;
    }
    for (const auto& consumer : consumers_) {
      const std::string line = consumer->restart_if_exited();
      if (!line.empty()) std::cout << "         " << line << std::endl;
    }
  }

  Server server_;
  Broker broker_;
  std::vector<std::unique_ptr<DemoConsumer>> consumers_;
};

int run(std::int64_t jobs, const std::string& folder) {
  const ShutdownSignals signals;  // before any other thread
  Demo demo(folder);
  constexpr std::int64_t kLong = 3;
  constexpr std::int64_t kPoison = 1;
  std::cout << jobs << " jobs take 0.2 s each, " << kLong
            << " take 5 s, longer than the ack wait of 2 s, and " << kPoison << " always fails.\n";
  demo.produce(kPoison, "poison-", "fail");
  demo.produce(kLong, "long-", "sleep 5000");
  demo.produce(jobs, "job-", "sleep 200");
  demo.invite();
  const bool all_done = demo.watch(signals.first());
  return demo.finish(jobs + kLong + kPoison) && all_done ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main_with(std::span<const char* const> args) {
  constexpr int kBadCommandLine = 2;
  std::array numbers = {IntFlag{"jobs", "how many short jobs to store", 0, 1'000'000, 1'500}};
  const FlagSet flags = {.numbers = numbers};
  const auto line = parse_flags(args, flags);
  if (!line || !line->arguments.empty()) {
    std::cerr << "demo: "
              << (line ? line->arguments.front() + ": only flags are allowed" : line.error())
              << "\n";
    return kBadCommandLine;
  }
  if (line->help) {
    std::cout << "usage: demo [flags]\n" << usage(flags);
    return EXIT_SUCCESS;
  }
  const TemporaryFolder folder(std::filesystem::temp_directory_path() / "beyond_one_machine");
  return run(numbers[0].value, folder.path());
}

}  // namespace
}  // namespace worker_pool

int main(int argc, char** argv) {
  try {
    worker_pool::prepare_standard_streams();
    return worker_pool::main_with({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    std::cerr << "demo: " << e.what() << "\n";
    return EXIT_FAILURE;
  }
}
