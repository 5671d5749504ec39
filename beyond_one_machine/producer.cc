// A producer: stores jobs in the broker.
//
//   bazel run //:producer -- --url=nats://127.0.0.1:4222 --jobs=100 --work="sleep 20"
//
// demo_work.h lists the kinds of work. A job that the broker does not accept is tried again for
// --retry_ms. The ids are PREFIX1, PREFIX2 and so on, so a second run with the same prefix stores
// nothing for two minutes: the broker drops ids that it has just seen, and the producer says so.
//
// Exit status: 0 if every job was stored; 1 if not; 2 if the command line was wrong.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>
#include <stop_token>
#include <string>

#include "broker/broker.h"
#include "full_pattern/console/flags.h"
#include "full_pattern/console/standard_streams.h"
#include "full_pattern/signals/signals.h"
#include "step1_job/context.h"

namespace worker_pool {
namespace {

constexpr int kBadCommandLine = 2;

// Returns the error if the job was not stored before `ctx` ended. A job whose first try was stored
// without a reply is not stored twice, if the second one comes within two minutes: the broker knows
// its id.
std::string publish(const Broker& broker, const std::string& id, const std::string& work,
                    const Context& ctx) {
  for (bool is_first = true;; is_first = false) {
    try {
      const bool is_stored = broker.publish(id, std::as_bytes(std::span(work)));
      if (is_stored || !is_first) return "";
      return id + " was published less than two minutes ago";
    } catch (const BrokerError& error) {
      if (!ctx.sleep_for(std::chrono::milliseconds(50))) return error.what();
    }
  }
}

int run(const Broker& broker, const std::string& prefix, const std::string& work, std::int64_t jobs,
        std::chrono::milliseconds retry, const std::stop_token& stop) {
  std::cout << "publishing" << std::endl;
  for (std::int64_t i = 1; i <= jobs; ++i) {
    const std::string id = prefix + std::to_string(i);
    const std::string error = publish(broker, id, work, Context(stop).with_timeout(retry));
    if (!error.empty() || stop.stop_requested()) {
      std::cout << "stored " << (error.empty() ? i : i - 1) << " of " << jobs << " jobs"
                << std::endl;
      std::cerr << "producer: " << (error.empty() ? "stopped" : error) << "\n";
      return EXIT_FAILURE;
    }
  }
  std::cout << "stored " << jobs << " of " << jobs << " jobs" << std::endl;
  return EXIT_SUCCESS;
}

int main_with(std::span<const char* const> args) {
  std::array numbers = {
      IntFlag{"jobs", "how many jobs to store", 0, 100'000'000, 100},
      IntFlag{"retry_ms", "how long to try to store a job", 0, 3'600'000, 10'000},
  };
  std::array texts = {TextFlag{"url", "the broker", "nats://127.0.0.1:4222"},
                      TextFlag{"prefix", "what the ids begin with", "job-"},
                      TextFlag{"work", "what each job does", "sleep 20"}};
  const FlagSet flags = {.numbers = numbers, .texts = texts};
  const auto line = parse_flags(args, flags);
  if (!line || !line->arguments.empty()) {
    std::cerr << "producer: "
              << (line ? line->arguments.front() + ": only flags are allowed" : line.error())
              << "\n";
    return kBadCommandLine;
  }
  if (line->help) {
    std::cout << "usage: producer [flags]\n" << usage(flags);
    return EXIT_SUCCESS;
  }
  const ShutdownSignals signals;  // before any other thread, also the client library's
  const Broker broker({.url = texts[0].value});
  return run(broker, texts[1].value, texts[2].value, numbers[0].value,
             std::chrono::milliseconds(numbers[1].value), signals.first());
}

}  // namespace
}  // namespace worker_pool

int main(int argc, char** argv) {
  try {
    worker_pool::prepare_standard_streams();
    return worker_pool::main_with({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    std::cerr << "producer: " << e.what() << "\n";
    return EXIT_FAILURE;
  }
}
